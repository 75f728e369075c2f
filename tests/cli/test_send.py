"""``leadstream send``, without a broker: what is refused, and how it is told."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from processors.cli.main import cli
from processors.demo import generate
from schemas.decoding import Refused
from schemas.routing import place_of
from schemas.topics import Topic

NOW_MS = 1_764_000_000_000
CLICK = {"type": "click", "workspaceId": "acme", "clickId": "c1"}
LEAD = {"type": "lead", "workspaceId": "acme", "eventName": "Sign Up", "customerExternalId": "u1"}
PURCHASE = {"type": "purchase", "workspaceId": "acme", "customerExternalId": "u1", "amount": 5}
ERASURE = {"type": "erasure", "workspaceId": "acme", "externalId": "u1"}


@pytest.mark.parametrize(
    ("event", "topic", "key"),
    [
        (CLICK, Topic.CLICKS, b"acme:c1"),
        ({**LEAD, "clickId": "c1"}, Topic.DEFERRED_LEADS, b"acme:c1"),
        ({**LEAD, "clickId": "c1", "mode": "deferred"}, Topic.DEFERRED_LEADS, b"acme:c1"),
        ({**LEAD, "clickId": ""}, Topic.QUALIFICATIONS, b"acme:u1"),
        ({**LEAD, "clickId": None}, Topic.QUALIFICATIONS, b"acme:u1"),
        (LEAD, Topic.QUALIFICATIONS, b"acme:u1"),
        (PURCHASE, Topic.PURCHASES, b"acme:u1"),
        (ERASURE, Topic.ERASURES, b"acme:u1"),
    ],
)
def test_each_event_has_its_place(event: dict[str, object], topic: Topic, key: bytes) -> None:
    assert place_of(json.dumps(event).encode(), NOW_MS) == (topic, key, event["type"])


def test_half_a_character_and_whole_floats_have_their_place() -> None:
    """As with the worker."""
    line = json.dumps({**LEAD, "customerName": "Joe \ud83d", "eventQuantity": 2.0, "mode": " "}).encode()
    assert b"\\ud83d" in line
    assert place_of(line, NOW_MS).key == b"acme:u1"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"nonsense", "not_json: "),
        (b'{"type":"click"', "not_json: "),
        (b'"click"', "not_an_object: "),
        (b"[]", "not_an_object: "),
        (b"\xef\xbb\xbf" + json.dumps(CLICK).encode(), "not_json: begins with a byte-order mark"),
        (json.dumps(CLICK).encode("utf-16"), "not_json: UTF-16"),
        (json.dumps({**LEAD, "customerId": "NaN"}).encode(), "schema_violation: customerId: "),
        (b"{}", "schema_violation: type: required"),
        (b'{"type":"sale"}', "schema_violation: type: Invalid enum value 'sale'"),
        (b'{"type":7}', "schema_violation: type: Expected `str`, got `int`"),
        (b'{"type":"click","workspaceId":"acme"}', "schema_violation: clickId: required"),
        (b'{"type":"click","workspaceId":"a b","clickId":"c"}', "schema_violation: workspaceId: "),
        (json.dumps({**CLICK, "timestamp": 5}).encode(), "timestamp_out_of_range: timestamp: "),
        (json.dumps({**PURCHASE, "amount": -1}).encode(), "schema_violation: amount: "),
        (json.dumps({**CLICK, "pad": "x" * 300_000}).encode(), "too_large: "),
    ],
)
def test_what_is_no_event_is_refused(line: bytes, told: str) -> None:
    with pytest.raises(Refused) as refusal:
        place_of(line, NOW_MS)
    assert str(refusal.value).startswith(told)


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
