"""The prompt for statements, at the keys that people press."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from processors.clickhouse.statements import finished
from processors.terminal.prompt import Prompt, Suggestion, _Completer


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        yield keys


def prompt(history: Path | None = None) -> Iterator[str]:
    return Prompt("acme", suggest=lambda _: (), finished=finished, history=history).asked()


def test_enter_ends_a_statement_that_has_ended_and_no_other(keys: PipeInput) -> None:
    keys.send_text("SELECT ';'\r, 2;\rSELECT 3;\r")
    asked = prompt()
    assert [next(asked), next(asked)] == ["SELECT ';'\n, 2;", "SELECT 3;"]


def test_ctrl_c_gives_up_what_was_typed_and_ctrl_d_leaves(keys: PipeInput) -> None:
    keys.send_text("SELECT mistyp\x03SELECT 1;\r\x04")
    assert list(prompt()) == ["SELECT 1;"]


def test_what_was_asked_is_remembered_for_its_owner_alone(keys: PipeInput, tmp_path: Path) -> None:
    history = tmp_path / "state" / "sql_history"
    keys.send_text("SELECT 1;\r\x04")
    assert list(prompt(history)) == ["SELECT 1;"]
    assert history.stat().st_mode & 0o777 == 0o600
    # The arrow up, in the next run.
    keys.send_text("\x1b[A\r\x04")
    assert list(prompt(history)) == ["SELECT 1;"]


def test_without_a_place_to_remember_it_is_still_a_prompt(keys: PipeInput, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    keys.send_text("SELECT 1;\r\x04")
    assert list(prompt(tmp_path / "file" / "sql_history")) == ["SELECT 1;"]


def test_a_suggestion_takes_the_place_of_what_was_begun() -> None:
    completer = _Completer(lambda before: [Suggestion("leads", len("lea"), f"a view, after {before}")])
    (found,) = completer.get_completions(Document("FROM lea"), None)  # type: ignore[arg-type]
    assert (found.text, found.start_position, found.display_meta_text) == (
        "leads",
        -3,
        "a view, after FROM lea",
    )
