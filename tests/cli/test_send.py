"""``leadstream send``, without a broker: what is refused, and how it is told."""

import gzip
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


def test_a_field_that_may_be_misspelt_is_named_and_its_event_sent(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    misspelt = json.dumps({**LEAD, "click_id": "c1"})
    file.write_text("\n".join([json.dumps(CLICK), misspelt, misspelt, json.dumps({**LEAD, "plan": "pro"})]))
    result = runner.invoke(cli, ["send", "--dry-run", str(file)])
    assert result.exit_code == 0
    assert result.stderr == (
        "line 2: click_id is no field; did you mean clickId?\n"
        "sent as they are, with names that are no field:\n"
        "        2  click_id is no field; did you mean clickId?\n"
    )
    assert result.stdout.startswith("4 valid, 0 refused, 2 with doubtful names in ")

    result = runner.invoke(cli, ["send", "--dry-run", "--strict", str(file)])
    assert result.exit_code == 1
    assert "line 3: schema_violation: click_id is no field; did you mean clickId?\n" in result.stderr
    assert "error: 2 of 4 lines refused\n" in result.stderr
    assert result.stdout.startswith("2 valid, 2 refused in ")


ROWS = "workspaceId,customerExternalId,amount,metadata.plan\nacme,u1,4900,pro\nacme,u2,,pro\n"
ARRAY = json.dumps([CLICK, LEAD], indent=1)


@pytest.mark.parametrize(
    ("content", "options", "out", "err"),
    [
        (gzip.compress(json.dumps(CLICK).encode(), mtime=0), [], "1 valid, 0 refused", ""),
        (gzip.compress(ARRAY.encode(), mtime=0), [], "2 valid, 0 refused", ""),
        (ARRAY.encode(), ["--type", "lead"], "2 valid, 0 refused", ""),
        (
            ROWS.encode(),
            ["--type", "purchase"],
            "1 valid, 1 refused",
            "line 3: schema_violation: amount: required",
        ),
        (ROWS.encode(), [], "", "error: no column says of which type the rows are\n  Add the column type"),
        (ARRAY[:-3].encode(), [], "1 valid, 1 refused", "line 7, element 2: not_json: "),
        (b"", [], "0 valid, 0 refused", "events.csv: empty, nothing was sent\n"),
        (b"\n \n", [], "0 valid, 0 refused", "events.csv: no events in it, nothing was sent\n"),
        (b"PAR1\x00\x00", [], "", "error: this is a Parquet file\n  Turn it into JSON Lines first"),
        (b"id,name\n" * 50_000, [], "", "error: this looks like CSV, and its first row names no field"),
    ],
)
def test_what_a_file_holds_is_seen_by_its_content(
    content: bytes, options: list[str], out: str, err: str, runner: CliRunner, tmp_path: Path
) -> None:
    file = tmp_path / "events.csv"
    file.write_bytes(content)
    result = runner.invoke(cli, ["send", "--dry-run", *options, str(file)])
    assert (result.exit_code, result.stdout.partition(" in ")[0]) == (
        1 if "error" in result.stderr else 0,
        out,
    )
    assert err in result.stderr
    assert len(result.stderr.splitlines()) <= 4
    piped = runner.invoke(cli, ["send", "--dry-run", *options, "-"], input=content)
    assert (piped.exit_code, piped.stdout.partition(" in ")[0]) == (result.exit_code, out)


def test_many_refusals_are_counted(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("nonsense\n" * 5_000 + json.dumps({**CLICK, "timestamp": 1_761_955_200}))
    result = runner.invoke(cli, ["send", "--dry-run", str(file)])
    assert result.exit_code == 1
    *shown, total, first, second, error, remedy = result.stderr.splitlines()
    assert len(shown) == 20
    assert total == "the first 20 lines that were refused are above; all of them, by reason:"
    assert first == "    5,000  not_json"
    assert second == "        1  timestamp_out_of_range"
    assert (error, remedy) == (
        "error: 5,001 of 5,001 lines refused",
        "  The first 20 are named above, with their reasons.",
    )


def test_a_file_that_is_cut_off_is_sent_as_far_as_it_goes(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl.gz"
    events = b"".join(event.value + b"\n" for event in generate(3_000, 1, NOW_MS))
    file.write_bytes(gzip.compress(events)[:-1])
    result = runner.invoke(cli, ["send", "--dry-run", str(file)])
    assert result.exit_code == 1
    assert result.stdout.startswith("3,000 valid, 0 refused in ")
    assert "error: the compressed data is damaged or cut off" in result.stderr


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
