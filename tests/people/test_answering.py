"""The process of a look."""

import io
import os
import signal
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import NoReturn

import msgspec
import pytest

from processors.errors import ExitCode
from processors.people import answering
from processors.people.identity import Person
from processors.people.traced import Asked


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, of ``ada``."""
    one = Asked(workspace_id="acme", customer_external_id="ada", most_s=60)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(msgspec.json.encode(one))))
    monkeypatch.setattr(os, "nice", lambda _: 0)
    monkeypatch.setattr(signal, "setitimer", lambda *_: None)


def test_it_ends_when_whoever_asked_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that was killed waits for no answer."""
    parents = iter([7, 7, 1])

    def find(_settings: object, _who: object, progress: Callable[[int, int], None]) -> NoReturn:
        progress(1, 3)
        progress(2, 3)
        raise AssertionError("it went on")

    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    monkeypatch.setattr(answering, "find", find)
    with pytest.raises(SystemExit):
        answering.main()


def test_a_bug_says_where_it_is_and_quotes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def find(_settings: object, who: Person, _progress: object) -> NoReturn:
        raise ValueError(f"no such customer: {who.external_id}")

    monkeypatch.setattr(answering, "find", find)
    assert answering.main() == ExitCode.INTERNAL
    said = capsys.readouterr().err
    assert "in find" in said
    assert said.endswith("ValueError")
    assert "no such customer: ada" not in said
