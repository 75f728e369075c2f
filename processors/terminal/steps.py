"""Steps and lines on a terminal, or plainly into a pipe."""

from rich.console import Console, RenderableType
from rich.status import Status
from rich.text import Text

from processors.printable import printable
from processors.terminal.lines import say

# Whoever reads it has no screen: nothing is left out or shortened for one.
_WIDTH_IN_A_PIPE = 10_000


def shown(text: str) -> Text:
    """Text for a table, a panel, a line: nothing in it is markup, and nothing commands the terminal."""
    return Text(printable(text))


class Steps:
    """What ``up`` shows. On a terminal the present step has a spinner; in a pipe each step is a line."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        if not self.console.is_terminal:
            self.console = Console(highlight=False, width=_WIDTH_IN_A_PIPE)
        self._status: Status | None = None

    def begin(self, text: str) -> None:
        """Something starts that takes a while."""
        if self.console.is_terminal:
            self.spin(text)
        else:
            self.say(text)

    def spin(self, text: str) -> None:
        """Like ``begin``, for what changes all the time: nothing in a pipe."""
        if not self.console.is_terminal:
            return
        if self._status is None:
            self._status = self.console.status(shown(text))
            self._status.start()
        else:
            self._status.update(shown(text))

    def done(self, text: str) -> None:
        """What was begun is there."""
        if self.console.is_terminal:
            self.rest()
            self.console.print(Text.assemble(("✓ ", "green"), shown(text)), soft_wrap=True)
        else:
            self.say(text)

    def rest(self) -> None:
        """No step is going on."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def say(self, text: str) -> None:
        """A line as it is, from whichever thread."""
        if self.console.is_terminal:
            self.console.print(shown(text), soft_wrap=True)
        else:
            say(text)

    def show(self, what: RenderableType) -> None:
        """A table or a panel."""
        self.console.print(what)
