"""``leadstream bench PART``, as small as it goes."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import builds, subcommands
from bench.builds import THIS, Build
from bench.environments import NotAvailable, Say
from bench.ledger import Plan
from bench.parts import Told
from bench.site import ROOT
from processors.cli.main import cli
from processors.errors import ExitCode
from processors.programs import isolated


def shown(*asked: str) -> str:
    result = CliRunner().invoke(cli, ["bench", *asked])
    assert result.exit_code == 0, result.output
    return result.output


def test_without_servers() -> None:
    assert "| a monthly cap | " in shown("rewards", "--leads", "1000", "--runs", "1")
    assert "| all of them | " in shown("stages", "--events", "8000")


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """Of ledgers, which are not measured."""
    asked: list[Plan] = []

    def of_ledger(plan: Plan) -> Told:
        asked.append(plan)
        return Told(None, "measured")

    monkeypatch.setattr(subcommands, "of_ledger", of_ledger)
    return asked


@pytest.mark.parametrize("this", [True, False], ids=["compiled", "pure"])
def test_who_asks_for_no_build_measures_what_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, plans: list[Plan], this: bool
) -> None:
    """Also where there is nothing to build another from."""
    monkeypatch.setattr(builds, "is_compiled", lambda: this)
    monkeypatch.setattr(builds, "_LOCK", tmp_path / "requirements.lock")
    assert "| a monthly cap | " in shown("rewards", "--leads", "1000", "--runs", "1")
    shown("ledger", "--leads", "10")
    assert plans == [Plan(10, 1_000, 10, THIS)]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """What was asked for; each build is this one."""
    asked: list[tuple[str, bool]] = []

    def ensure_build(_: Say, python: str, *, compiled: bool) -> None:
        asked.append((python, compiled))

    monkeypatch.setattr(subcommands, "ensure_build", ensure_build)
    monkeypatch.setattr(subcommands, "build_of", lambda *_, **__: Build(sys.executable, str(ROOT)))
    return asked


def test_rewards_of_another_build(built: list[tuple[str, bool]], capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever is measured says so itself, and with which code it ends."""
    sized = "bench", "rewards", "--leads", "1000", "--runs", "1"
    assert CliRunner().invoke(cli, [*sized, "--compiled"]).exit_code == 0
    assert "| a monthly cap | " in capfd.readouterr().out
    assert built == [(sys.executable, True)]


def test_another_build_is_asked_for_itself(
    built: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And for no build, which it could not make."""
    started: list[tuple[list[str], str]] = []

    def run(argv: Sequence[str], *, env: Mapping[str, str], check: bool) -> subprocess.CompletedProcess[str]:
        started.append((list(argv), env["PYTHONPATH"]))
        return subprocess.CompletedProcess(argv, ExitCode.CHECK_FAILED)

    monkeypatch.setattr(subprocess, "run", run)
    asked = "bench", "rewards", "--leads", "1000", "--runs", "1"
    assert CliRunner().invoke(cli, [*asked, "--compiled"]).exit_code == ExitCode.CHECK_FAILED
    assert started == [(isolated("processors.cli.main", *asked), str(ROOT))]


def test_a_ledger_of_another_build(built: list[tuple[str, bool]], plans: list[Plan]) -> None:
    python = str(Path(sys.executable).resolve())
    assert "measured" in shown("ledger", "--leads", "10", "--compiled", "--python", python)
    assert built == [(python, True)]
    assert plans == [Plan(10, 1_000, 10, Build(sys.executable, str(ROOT)))]


def test_a_build_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise NotAvailable("there is no cc")

    monkeypatch.setattr(subcommands, "ensure_build", fails)
    result = CliRunner().invoke(cli, ["bench", "ledger", "--compiled"])
    assert result.exit_code == ExitCode.UNAVAILABLE
    assert "it cannot be built: there is no cc" in result.output


@pytest.mark.integration
def test_a_gateway() -> None:
    rates = ["--lead-rate", "100", "--visit-rate", "50", "--seconds", "5"]
    told = shown("gateway", "--calls", "500", *rates, "--links", "200", "--followed", "500")
    assert "| POST /track/lead, 100/s: 500 |" in told
    assert "500 × 200 |" in told
    assert "Lost: 0." in told


@pytest.mark.integration
def test_questions() -> None:
    told = shown("analytics", "--events", "20000", "--runs", "2", "--parts", "2")
    assert "| everything merged | p50 ms |" in told
    assert "| 2 unmerged parts | p50 ms |" in told
    assert "a small workspace alone: p50 " in told
