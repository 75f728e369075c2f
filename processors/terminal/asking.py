"""Questions before something that cannot be taken back, and what happens when the answer is none."""

from collections.abc import Callable
from typing import TypeVar

import click

from processors.errors import CheckFailed, ExitCode, LeadstreamError
from processors.printable import printable
from processors.terminal.lines import say

T = TypeVar("T")


class NobodyToAsk(LeadstreamError):
    """Standard input has ended: in a script, say. ``unasked``: the option by which nobody is asked."""

    exit_code = ExitCode.USAGE

    def __init__(self, unasked: str) -> None:
        super().__init__("there is nobody to ask, and nothing was sent", f"With {unasked} nobody is asked.")


def confirm(question: str, unasked: str) -> None:
    """Returns when the answer is yes. ``unasked``: the option by which nobody is asked.

    Raises ``CheckFailed`` for a no, and ``NobodyToAsk``.
    """
    if not _answer(lambda: click.confirm(printable(question), err=True), unasked):
        raise CheckFailed("nothing was sent")


def confirm_by_typing(question: str, wanted: str, unasked: str) -> None:
    """As :func:`confirm`, where yes would be too little: ``wanted`` has to be typed."""
    prompt = printable(question)
    if _answer(lambda: click.prompt(prompt, default="", show_default=False, err=True), unasked) != wanted:
        raise CheckFailed("nothing was sent: what was typed is something else")


def _answer(ask: Callable[[], T], unasked: str) -> T:
    try:
        return ask()
    except click.Abort as aborted:
        if isinstance(aborted.__context__, EOFError):
            say("", err=True)
            raise NobodyToAsk(unasked) from None
        raise
