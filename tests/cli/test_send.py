"""``leadstream send``, without a broker: what is refused, and how it is told."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from processors.cli.main import cli
from processors.demo import generate

NOW_MS = 1_764_000_000_000
CLICK = {"type": "click", "workspaceId": "acme", "clickId": "c1"}
LEAD = {"type": "lead", "workspaceId": "acme", "eventName": "Sign Up", "customerExternalId": "u1"}


def test_a_dry_run_names_each_refused_line(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    lines = [json.dumps(CLICK), "", '{"type":"click"}', json.dumps(LEAD), "nonsense"]
    file.write_text("\n".join(lines))
    result = runner.invoke(cli, ["send", "--dry-run", str(file)])
    assert result.exit_code == 1
    assert "line 3: schema_violation: workspaceId: required\n" in result.stderr
    assert "line 5: not_json: " in result.stderr
    assert result.stderr.endswith("error: 2 of 4 lines refused\n  Each is named above, with its reason.\n")
    assert result.stdout.startswith("2 valid, 2 refused in ")
    assert result.stdout.endswith(": 1 click, 1 lead\n")


def test_a_dry_run_of_good_lines(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"".join(event.value + b"\n" for event in generate(3_000, 1, NOW_MS)))
    result = runner.invoke(cli, ["send", "--dry-run", str(file)])
    assert result.exit_code == 0
    assert result.stdout.startswith("3,000 valid, 0 refused in ")
    assert result.stderr == ""


def test_standard_input() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "processors.cli.main", "send", "--dry-run", "-"],
        input=json.dumps(CLICK).encode(),
        capture_output=True,
        check=True,
    )
    assert result.stdout.startswith(b"1 valid, 0 refused")


def test_no_such_file_is_wrong_usage(runner: CliRunner, tmp_path: Path) -> None:
    assert runner.invoke(cli, ["send", str(tmp_path / "nothing")]).exit_code == 2


def test_no_broker_is_69(runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADSTREAM_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(CLICK))
    result = runner.invoke(cli, ["send", str(file)])
    assert result.exit_code == 69
    assert result.stdout == ""
    assert "no Kafka broker answers at 127.0.0.1:1" in result.stderr
    assert "LEADSTREAM_KAFKA_BOOTSTRAP" in result.stderr
