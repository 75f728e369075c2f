"""``leadstream env``: the addresses of the running system, for a shell; and what `config` says of them."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from processors.cli.main import cli, main
from tests.settings.test_running import living


def test_a_shell_reads_it(runner: CliRunner, tmp_path: Path) -> None:
    with living(tmp_path / ".leadstream") as up:
        result = runner.invoke(cli, ["env"])
        document = json.loads(runner.invoke(cli, ["env", "--json"]).output)
    assert result.exit_code == 0
    names = " ".join(f'"${name}"' for name in document)
    script = f"{result.output}\nprintf '%s\\n' {names}"
    read = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True).stdout
    assert read.splitlines() == [*document.values()] == [up.kafka, up.clickhouse, up.gateway, "2h"]


def test_nothing_of_it_is_read_as_a_command(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with living(tmp_path / ".leadstream"):
        path = tmp_path / ".leadstream" / "running.json"
        document = json.loads(path.read_text())
        document["clickhouse"] = "http://me:$(touch x)'\"`@db/x"
        path.write_text(json.dumps(document))
        script = runner.invoke(cli, ["env"]).output + '\nprintf %s "$LEADSTREAM_CLICKHOUSE_URL"'
        read = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True).stdout
    assert read == document["clickhouse"]
    assert not (tmp_path / "x").exists()


def test_a_directory_that_is_named(runner: CliRunner, tmp_path: Path) -> None:
    with living(tmp_path / "big"):
        assert runner.invoke(cli, ["env"]).exit_code == 69
        assert runner.invoke(cli, ["env", "--data", "big"]).exit_code == 0


def test_where_nothing_runs_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["env"]) == 69
    told = capsys.readouterr()
    assert told.out == ""
    assert "no `leadstream up` runs in this directory" in told.err
    assert "--data DIR" in told.err


def test_of_one_that_is_starting_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with living(tmp_path / ".leadstream"):
        (tmp_path / ".leadstream" / "running.json").rename(tmp_path / "not-yet")
        assert main(["env"]) == 69
        (tmp_path / "not-yet").rename(tmp_path / ".leadstream" / "running.json")
    assert f"process {os.getpid()} is starting or ending" in capsys.readouterr().err


def test_config_names_the_source(runner: CliRunner, tmp_path: Path) -> None:
    with living(tmp_path / ".leadstream"):
        text = runner.invoke(cli, ["config"]).output
        rows = json.loads(runner.invoke(cli, ["config", "--json"]).output)
    assert "127.0.0.1:29092  (running up; default 127.0.0.1:9092)" in text
    assert rows["LEADSTREAM_CLICKHOUSE_URL"] == {
        **rows["LEADSTREAM_CLICKHOUSE_URL"],
        "value": "http://leadstream:***@127.0.0.1:8123/leadstream",
        "source": "running up",
    }
    assert "s3cret" not in text + str(rows)


def test_config_shows_it_beside_what_is_wrong(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADSTREAM_PARTITIONS", "many")
    with living(tmp_path / ".leadstream"):
        result = runner.invoke(cli, ["config"])
    assert result.exit_code == 78
    assert "127.0.0.1:29092  (running up" in result.output
    assert "many  (environment" in result.output


def test_up_is_no_part_of_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that runs above it says neither where its data are nor how its topics are called."""
    from processors.cli import running

    begun = []
    monkeypatch.setattr(running, "run", lambda plan, settings, _demo: begun.append((plan, settings)))
    below = tmp_path / "below"
    below.mkdir()
    with living(tmp_path / ".leadstream"):
        monkeypatch.chdir(below)
        assert main(["up"]) == 0
    ((plan, settings),) = begun
    assert plan.data == below / ".leadstream"
    assert settings.hold == 86_400_000


@pytest.mark.parametrize("wrong", ["127.0.0.1:…", "127.0.0.1", "http://127.0.0.1:9092", "127.0.0.1:٩٠٩٢"])
@pytest.mark.parametrize("command", [["send", "/dev/null"], ["config"], ["workspace", "list"], ["doctor"]])
def test_what_was_pasted_unfinished_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong: str, command: list[str]
) -> None:
    monkeypatch.setenv("LEADSTREAM_KAFKA_BOOTSTRAP", wrong)
    assert main(command) == 78
    told = capsys.readouterr().err
    assert "LEADSTREAM_KAFKA_BOOTSTRAP: not addresses: write host:port" in told
    assert wrong in told
