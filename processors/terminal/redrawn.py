"""Lines that are drawn anew in their place."""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live

from processors.terminal.steps import shown


class Redrawn:
    """On a terminal. What was drawn last stays when it ends, however that comes about."""

    def __init__(self) -> None:
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def draw(self, lines: Iterable[str]) -> None:
        """In the place of what was drawn before."""
        whole = Group(*map(shown, lines))
        if self._live is None:
            self._live = Live(whole, console=Console(highlight=False), auto_refresh=False)
            self._live.start()
        self._live.update(whole, refresh=True)
