"""What strangers wrote reaches the terminal as text, whichever command shows it."""

import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from processors.audit.telling import Telling
from processors.cli import refusals as listing
from processors.cli.errors import UserError
from processors.cli.main import cli, main
from processors.errors import LeadstreamError
from processors.observability.logs import configure_logs
from processors.printable import printable, printable_lines, styled
from processors.refusals.dead_letters import dead_letters
from processors.refusals.telling import in_full
from processors.refusals.unmatched import unmatched_events
from processors.settings import Settings
from processors.stack.check import Check
from processors.terminal import tables
from processors.terminal.bars import Bar
from processors.terminal.lines import say, say_cells, say_json, say_lines
from processors.terminal.steps import Steps
from tests.cli.planted import AT, ONE_LINE, PLANT, SEEN, difference, found, harmless, letters, shows
from tests.refusals.test_refusals import TOPICS, unmatched

JSON_VALUES = st.recursive(
    st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)
Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Styles are written, so that a stranger's would be."""
    monkeypatch.setattr(click.utils, "should_strip_ansi", lambda *_: False)


def both(output: Output) -> str:
    """What was said since the last look, all of it harmless."""
    out, err = output.readouterr()
    assert harmless(out)
    assert harmless(err)
    return out + err


@given(st.text())
def test_no_text_is_obeyed(text: str) -> None:
    assert "\n" not in printable(text)
    assert harmless(f"{printable(text)}.")
    assert printable(printable(text)) == printable(text)


@given(JSON_VALUES)
def test_json_means_the_same_afterwards(document: object) -> None:
    for written in (json.dumps(document, ensure_ascii=False), json.dumps(document, indent=2)):
        assert json.loads(printable_lines(written)) == document


def test_lines(capfd: Output) -> None:
    say("a ", styled(PLANT, bold=True))
    assert SEEN in both(capfd)
    say_cells("a", PLANT)
    assert both(capfd) == f"a\t{SEEN}\n"
    say_lines(f"ours\n{ONE_LINE}")
    say_json(orjson.dumps({"name": PLANT}))
    Bar("", None, "lines").__enter__().say(PLANT)
    assert SEEN in both(capfd)
    for write in (Steps().say, Steps().begin, Steps().done):
        write(PLANT)
        assert SEEN in both(capfd)


def test_errors(monkeypatch: pytest.MonkeyPatch, capfd: Output) -> None:
    UserError(LeadstreamError(ONE_LINE, PLANT)).show()
    assert SEEN in both(capfd)
    assert main(["trace", "acme", ONE_LINE, f"--{ONE_LINE}"]) == 2
    assert main([ONE_LINE]) == 2
    assert "owned" in both(capfd)

    def checks(_settings: Settings, _gateway: str | None) -> Iterator[Check]:
        yield Check(PLANT, False, PLANT, PLANT)
        raise RuntimeError(ONE_LINE)

    monkeypatch.setattr("processors.stack.checks.run_checks", checks)
    assert main(["doctor"]) == 70
    assert both(capfd).count("owned") == 4


@pytest.mark.parametrize("as_json", [True, False])
def test_trace(as_json: bool, capfd: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processors.people.tracing.find", lambda *_: found())
    assert main(["trace", "acme", "ann", *(["--json"] if as_json else [])]) == 0
    assert both(capfd).count("owned") > 20


@pytest.mark.parametrize("as_json", [True, False])
def test_audit(as_json: bool, capfd: Output) -> None:
    for line in Telling(10, apart=True, as_json=as_json).verdicts([difference()]):
        (say_json if as_json else say)(line)
    assert both(capfd).count("owned") >= 5


def test_dead_letters(capfd: Output) -> None:
    for letter in letters():
        for line in in_full(letter):
            say(line)
        say_json(listing._line(letter))
        listing._table(dead_letters(TOPICS), [letter], Counter({PLANT: 1}))
        assert both(capfd).count(SEEN) >= 6


def test_unmatched_events(capfd: Output) -> None:
    one = unmatched(orjson.dumps({"workspaceId": PLANT, "clickId": PLANT}), PLANT)
    say_json(listing._line(one))
    listing._table(unmatched_events(TOPICS), [one], Counter())
    assert both(capfd).count("owned") >= 4


def test_send_names_a_line_that_is_no_event(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(orjson.dumps({"type": PLANT, PLANT: PLANT}) + b"\n" + PLANT.encode())
    result = runner.invoke(cli, ["send", "--dry-run", str(file)])
    assert result.exit_code == 1
    assert harmless(result.output)


def test_tables_are_no_markup() -> None:
    console = Console(force_terminal=True, width=2_000)
    columns = ("event_name", "customer_name", "customer_external_id", "key", "country", "paid")
    event: dict[str, Any] = {**dict.fromkeys(columns, PLANT), "timestamp": AT, "kind": "lead"}
    with console.capture() as capture:
        console.print(tables.newest(PLANT, [event]))
        console.print(tables.funnel(PLANT, [{"step": PLANT, "count": 1}]))
        console.print(tables.time_series(PLANT, []))
    assert harmless(capture.get())
    assert shows(capture.get())


def test_a_log_on_a_console(capfd: Output) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        configure_logs(Settings(), process="test")
        log = logging.getLogger("test")
        log.warning("refused: %s", PLANT)
        try:
            raise ValueError(ONE_LINE)
        except ValueError:
            log.exception("a bug")
    finally:
        root.handlers[:], root.level = before
    said = both(capfd)
    assert SEEN in said
    assert "a bug" in said


def test_commands_write_in_no_other_way() -> None:
    homes = [Path(listing.__file__).parent, Path(tables.__file__).parent]
    direct = re.compile(r"click\.(echo|secho|style)\(|(?<!console\.)\bprint\(|sys\.std(out|err)\.write")
    writers = [path.name for home in homes for path in home.rglob("*.py") if direct.search(path.read_text())]
    assert writers == ["lines.py"]
