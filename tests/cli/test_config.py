"""``leadstream config``: every setting, and no secret."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from processors.cli.main import cli
from processors.settings import Settings
from processors.settings.durations import readable


def test_every_setting_is_shown(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["config"])
    assert result.exit_code == 0
    for field, info in Settings.model_fields.items():
        assert f"LEADSTREAM_{field.upper()} " in result.output
        assert info.description
        assert info.description in result.output
    assert "LEADSTREAM_ATTRIBUTION_WINDOW       90d  (default)" in result.output


def test_json(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADSTREAM_HOLD", "2h")
    rows = json.loads(runner.invoke(cli, ["config", "--json"]).output)
    assert len(rows) == len(Settings.model_fields)
    assert rows["LEADSTREAM_HOLD"] == {
        "value": 7_200_000,
        "default": 86_400_000,
        "source": "environment",
        "description": "How long an event waits for the one it needs.",
    }
    assert rows["LEADSTREAM_PARTITIONS"]["source"] == "default"


def test_json_of_a_path_that_is_no_utf_8(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADSTREAM_DATA_DIR", os.fsdecode(b"/data/caf\xe9"))
    rows = json.loads(runner.invoke(cli, ["config", "--json"]).output)
    assert os.fsencode(rows["LEADSTREAM_DATA_DIR"]["value"]) == b"/data/caf\xe9"


@pytest.mark.parametrize("arguments", [[], ["--json"]])
@pytest.mark.parametrize("valid", [True, False])
def test_passwords_are_never_shown(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, arguments: list[str], valid: bool
) -> None:
    monkeypatch.setenv("LEADSTREAM_CLICKHOUSE_URL", "http://me:s3cret@db:8123/leadstream")
    if not valid:
        monkeypatch.setenv("LEADSTREAM_PARTITIONS", "x")
    result = runner.invoke(cli, ["config", *arguments])
    assert result.exit_code == (0 if valid else 78)
    assert "s3cret" not in result.output
    assert "http://me:***@db:8123/leadstream" in result.output


def test_the_list_is_shown_even_when_a_setting_is_wrong(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADSTREAM_PARTITIONS", "many")
    result = runner.invoke(cli, ["config"])
    assert result.exit_code == 78
    assert "many  (environment; default 8)" in result.output
    assert "LEADSTREAM_HOLD " in result.output


@pytest.mark.parametrize("arguments", [["config"], ["config", "--json"], ["doctor"], ["worker"], ["migrate"]])
def test_a_url_that_is_none_is_said_at_once_and_not_shown(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    for url in ("http://me:s3/cret@db:8123/x", "me:s3cret@db:8123/x", "http://db/x?password=s3cret"):
        monkeypatch.setenv("LEADSTREAM_CLICKHOUSE_URL", url)
        result = runner.invoke(cli, arguments)
        assert result.exit_code == 78
        assert "LEADSTREAM_CLICKHOUSE_URL: not a ClickHouse URL" in result.output
        assert "cret" not in result.output
        if arguments[0] == "config":
            assert "***" in result.output


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [(86_400_000, "1d"), (90_000, "90s"), (1_500, "1500ms"), (7_200_000, "2h"), (0, "0ms"), (120_000, "2m")],
)
def test_readable(duration_ms: int, text: str) -> None:
    assert readable(duration_ms) == text


@pytest.mark.parametrize("command", [["doctor"], ["migrate"], ["audit"], ["trace", "acme", "u1"]])
def test_no_command_tells_a_password_when_nothing_works(command: list[str]) -> None:
    """Not even with a stack trace, which has the arguments of what failed."""
    done = subprocess.run(
        [sys.executable, "-m", "processors.cli.main", *command],
        env={
            **os.environ,
            "LEADSTREAM_CLICKHOUSE_URL": "http://me:s3cret%2Fs3cret@127.0.0.1:1/leadstream",
            "LEADSTREAM_KAFKA_BOOTSTRAP": "127.0.0.1:1",
            "LEADSTREAM_TRACEBACK": "1",
        },
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert b"s3cret" not in done.stdout + done.stderr
