"""A run of everything: contestants first, then the parts, and what is written of them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import command, parts
from bench.parts import Part, Told, of_rewards
from processors.cli.main import cli
from processors.errors import InternalError


@pytest.fixture(autouse=True)
def _nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """No contestants, so no broker."""
    monkeypatch.setattr(command, "_prepared", lambda _only, _python: [])


def rewards(quick: bool) -> Told:
    assert quick
    return of_rewards(1_000, 1)


def wrong(quick: bool) -> Told:
    return Told(rewards(quick).figures, "| a | table |\n", "everything is lost")


def test_parts_are_in_a_run_of_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(parts, "PARTS", (Part("rewards", 60, 10, rewards),))
    done = CliRunner().invoke(cli, ["bench", "--quick", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "about 10 s: rewards 10 s" in done.stderr
    assert "1 of 1, 0 s left" in done.stderr
    assert "| an amount | " in done.stdout
    assert (tmp_path / "results.md").read_text().startswith("### rewards\n")
    assert (
        json.loads((tmp_path / "results.json").read_text())["parts"]["rewards"]["figures"]["leads"] == 1_000
    )


def test_a_part_that_does_not_count_fails_the_run_and_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(parts, "PARTS", (Part("rewards", 60, 10, rewards), Part("sales", 60, 10, wrong)))
    done = CliRunner().invoke(cli, ["bench", "--quick", "--out", str(tmp_path)])
    assert done.exit_code == 1
    assert "1 of 2 do not count; sales: everything is lost" in done.stderr
    assert list(json.loads((tmp_path / "results.json").read_text())["parts"]) == ["rewards", "sales"]


def test_a_part_whose_server_dies_leaves_those_after_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def dies(quick: bool) -> Told:
        raise InternalError("ClickHouse has ended")

    monkeypatch.setattr(parts, "PARTS", (Part("sales", 60, 10, dies), Part("rewards", 60, 10, rewards)))
    done = CliRunner().invoke(cli, ["bench", "--quick", "--out", str(tmp_path)])
    assert done.exit_code == 1
    assert "1 of 2 do not count; sales: " in done.stderr
    assert "| an amount | " in done.stdout


def test_an_interrupted_part_leaves_those_before_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(quick: bool) -> Told:
        raise KeyboardInterrupt

    monkeypatch.setattr(
        parts, "PARTS", (Part("rewards", 60, 10, rewards), Part("sales", 60, 10, interrupted))
    )
    done = CliRunner().invoke(cli, ["bench", "--quick", "--out", str(tmp_path)])
    assert done.exit_code != 0
    assert "| an amount | " in (tmp_path / "results.md").read_text()


@pytest.mark.parametrize(
    "some", [["--only", "leadstream"], ["--workload", "w1"], ["--measure", "sink"]], ids=lambda some: some[0]
)
def test_who_wants_some_of_it_gets_no_parts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, some: list[str]
) -> None:
    monkeypatch.setattr(parts, "PARTS", (Part("sales", 60, 10, wrong),))
    done = CliRunner().invoke(cli, ["bench", "--quick", "--out", str(tmp_path), *some])
    assert done.exit_code == 0, done.output
    assert list(tmp_path.iterdir()) == []


def test_a_python_that_does_not_run_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    none = tmp_path / "python"
    none.write_text("no program")
    done = CliRunner().invoke(cli, ["bench", "--quick", "--only", "aiokafka", "--python", str(none)])
    assert done.exit_code == 69
    assert "does not run" in done.stderr
