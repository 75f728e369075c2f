"""How far a command is: shown on a terminal while it works, and anywhere when a signal ends it."""

import sys
from asyncio import CancelledError
from types import TracebackType
from typing import Any, Self

from processors.printable import printable
from processors.terminal.lines import say


class Bar:
    """``total`` None: the end is unknown. ``amount``: "bytes" or the word for what is counted."""

    def __init__(self, label: str, total: int | None, amount: str) -> None:
        self._label, self._total, self._amount = label, total, amount
        self._done = 0
        self._progress: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            counted = DownloadColumn() if self._amount == "bytes" else MofNCompleteColumn()
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                counted,
                TextColumn("" if self._amount == "bytes" else self._amount),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
                # It would go to stderr; right for a terminal, wrong for a pipe.
                redirect_stdout=sys.stdout.isatty(),
            )
            self._task = self._progress.add_task(self._label, total=self._total)
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
        if isinstance(error, (KeyboardInterrupt, CancelledError)) and (self._done or self._total):
            self.say(f"{self._label}: ended after {self._so_far()}")

    def expect(self, total: int) -> None:
        """The end is known now."""
        self._total = total
        if self._progress is not None:
            self._progress.update(self._task, total=total)

    def advance(self, amount: int) -> None:
        """So much more is done."""
        self._done += amount
        if self._progress is not None:
            self._progress.advance(self._task, amount)

    def reach(self, done: int, total: int) -> None:
        """So much is done, of so much in all."""
        self._done, self._total = done, total
        if self._progress is not None:
            self._progress.update(self._task, completed=done, total=total)

    def _so_far(self) -> str:
        of = "" if self._total is None else f" of {self._total:,}"
        return f"{self._done:,}{of} {self._amount}"

    def say(self, text: str) -> None:
        """A line on stderr, above the bar."""
        if self._progress is not None:
            text = printable(text)
            self._progress.console.print(text, highlight=False, markup=False, soft_wrap=True)
        else:
            say(text, err=True)
