"""The process of a trace."""

import io
import os
import signal
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import NoReturn

import msgspec
import pytest

from processors.people import answering
from processors.people.traced import Asked


def test_it_ends_when_whoever_asked_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that was killed waits for no answer."""
    parents = iter([7, 7, 1])

    def find(_settings: object, _who: object, progress: Callable[[int, int], None]) -> NoReturn:
        progress(1, 3)
        progress(2, 3)
        raise AssertionError("it went on")

    asked = Asked(workspace_id="acme", customer_external_id="ada", most_s=60)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(msgspec.json.encode(asked))))
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    monkeypatch.setattr(os, "nice", lambda _: 0)
    monkeypatch.setattr(signal, "setitimer", lambda *_: None)
    monkeypatch.setattr(answering, "find", find)
    with pytest.raises(SystemExit):
        answering.main()
