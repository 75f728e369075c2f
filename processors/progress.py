"""Who is told how far something has come: a terminal, a log, a test."""

from typing import Protocol


class Progress(Protocol):
    """Of work that is counted."""

    def expect(self, total: int) -> None:
        """So much there is to do."""

    def advance(self, amount: int) -> None:
        """So much more is done."""

    def reach(self, done: int, total: int) -> None:
        """So much is done, of so much in all."""

    def say(self, text: str) -> None:
        """A line about it."""


class Steps(Protocol):
    """Of work that goes step by step."""

    def begin(self, text: str) -> None:
        """Something starts that takes a while."""

    def spin(self, text: str) -> None:
        """The same, of what changes all the time."""

    def done(self, text: str) -> None:
        """What was begun is there."""

    def say(self, text: str) -> None:
        """A line; from whichever thread."""
