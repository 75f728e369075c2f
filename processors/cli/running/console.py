"""Steps and lines on a terminal, or plainly into a pipe."""

import click
from rich.console import Console, RenderableType
from rich.status import Status
from rich.text import Text

_WIDTH_IN_A_PIPE = 110


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
            self._status = self.console.status(Text(text))
            self._status.start()
        else:
            self._status.update(Text(text))

    def done(self, text: str) -> None:
        """What was begun is there."""
        if self.console.is_terminal:
            self.rest()
            self.console.print(Text.assemble(("✓ ", "green"), text), soft_wrap=True)
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
            self.console.print(text, markup=False, soft_wrap=True)
        else:
            click.echo(text)

    def show(self, what: RenderableType) -> None:
        """A table or a panel."""
        self.console.print(what)
