"""What a process that ends at once says before."""

import os

import pytest

from processors.engine.errors import Unexpected
from processors.engine.exits import die


class Ended(BaseException):
    """Instead of the process."""

    def __init__(self, code: int) -> None:
        self.code = code


@pytest.fixture(autouse=True)
def _alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(code: int) -> None:
        raise Ended(code)

    monkeypatch.setattr(os, "_exit", ended)


def test_of_a_bug_the_line_tells_the_kind_for_its_text_may_quote_an_event(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(Ended) as ended:
        die(KeyError("ada@example.com"))
    assert ended.value.code == 70
    [line] = caplog.records
    assert "KeyError" in line.message
    assert "ada@" not in line.message
    assert line.exc_info, "where it was"


def test_of_what_cannot_go_on_the_line_tells_cause_and_remedy(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Ended) as ended:
        die(Unexpected("a guard has tripped", "Start it again."))
    assert ended.value.code == 70
    assert caplog.messages == ["a guard has tripped. Start it again."]
