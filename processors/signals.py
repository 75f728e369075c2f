"""What signals do to a command: it cleans up behind itself, says how far it came, and ends."""

import signal
from types import FrameType, TracebackType
from typing import Any, Final, Self

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


class Signals:
    """While it is entered, whatever asks the process to end does what Ctrl-C does.

    So every way to end runs through the same places: cancelled tasks, ``finally``, ``with``. Who handles
    these signals itself, as ``leadstream worker`` does, goes on to do so. For the main thread.
    """

    def __init__(self) -> None:
        self._number = signal.SIGINT
        self._replaced: list[signal.Signals] = []

    @property
    def exit_code(self) -> int:
        """130 for Ctrl-C, 143 for SIGTERM, 129 for a terminal that is gone."""
        return 128 + self._number

    @property
    def said(self) -> str:
        """Why it ends."""
        return "interrupted" if self._number == signal.SIGINT else f"ended by {self._number.name}"

    def __enter__(self) -> Self:
        for one in _ENDING:
            # One that is ignored, as under nohup, stays so; one that is handled has an owner.
            if signal.getsignal(one) is signal.SIG_DFL:
                signal.signal(one, self._handle)
                self._replaced.append(one)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._replaced:
            signal.signal(one, signal.SIG_DFL)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._number = signal.Signals(number)
        as_ctrl_c: Any = signal.getsignal(signal.SIGINT)
        if callable(as_ctrl_c):
            as_ctrl_c(signal.SIGINT, frame)
        else:
            raise KeyboardInterrupt
