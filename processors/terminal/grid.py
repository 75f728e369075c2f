"""Rows under their columns, as wide as the terminal and no wider: what may not be shortened never is.

Where all does not fit into one line, columns that may go are left out, and texts that may be shortened are.
Below :data:`ONE_LINE` columns, or where that is not enough, a record has a second line. What is wide or
combining on a terminal is measured as it is shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.console import Console, ConsoleOptions
from rich.text import Text

from processors.printable import printable

ONE_LINE: Final = 100
_GAP: Final = 2
_INDENT: Final = 2
_SHORTEST: Final = 12


@dataclass(frozen=True)
class Column:
    """``whole``: its values are never shortened. ``goes``: left out before those with a greater number; 0:
    never. ``line``: where it stands when a record has two. ``folds``: what is too long goes on below; for the
    last one of a line.
    """

    name: str
    right: bool = False
    whole: bool = True
    goes: int = 0
    line: int = 1
    folds: bool = False


@dataclass(frozen=True)
class _Placed:
    index: int
    width: int


_Line = list[_Placed]


class Grid:
    """For a console of any width, with the names of the columns above. Texts may be a stranger's.

    ``narrow``: below it nothing is left out or shortened to spare a record its second line.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[str]],
        title: str = "",
        *,
        narrow: int = ONE_LINE,
    ) -> None:
        self._narrow = narrow
        self._columns = columns
        self._rows = [[printable(cell) for cell in row] for row in rows]
        self._title = printable(title)
        self._widths = [
            max([cell_len(column.name), *(cell_len(row[index]) for row in self._rows)])
            for index, column in enumerate(columns)
        ]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        names, *lines = self.lines(options.max_width)
        if self._title:
            yield _text(self._title, "bold")
        for name in names:
            yield _text(name, "dim")
        for line in lines:
            for text in line:
                yield _text(text, "")

    def lines(self, width: int) -> Iterator[list[str]]:
        """The lines of the head, then those of each row."""
        arranged = self.on_one_line(width) or self._on_two(width)
        head = [column.name for column in self._columns]
        for row in (head, *self._rows):
            yield [
                line for placed in arranged for line in self._line(placed, row, first=placed is arranged[0])
            ]

    def on_one_line(self, width: int) -> list[_Line] | None:
        """None: what has to be there does not fit, or the terminal is narrow and not all fits as it is."""
        everything = [*range(len(self._columns))]
        if _needed(self._placed(everything)) <= width:
            return [self._placed(everything)]
        if width < self._narrow:
            return None
        line = self._fitted(everything, width)
        return [line] if _needed(line) <= width else None

    def shortens(self, width: int) -> bool:
        """Is a text not shown whole, on a terminal of this width?"""
        arranged = self.on_one_line(width) or self._on_two(width)
        return any(one.width < self._widths[one.index] for line in arranged for one in line)

    def _on_two(self, width: int) -> list[_Line]:
        lines: list[_Line] = []
        for number in sorted({column.line for column in self._columns}):
            here = [index for index, column in enumerate(self._columns) if column.line == number]
            room = width - (_INDENT if lines else 0)
            lines += self._broken(self._fitted(here, room), room)
        return lines

    def _fitted(self, indices: list[int], width: int) -> _Line:
        """As many of them as fit, shortened as far as that may be; it may still be too much."""
        left = indices
        goes = sorted(
            (one for one in indices if self._columns[one].goes), key=lambda one: self._columns[one].goes
        )
        for index in goes:
            if _needed(self._placed(left)) <= width:
                break
            left = [one for one in left if one != index]
        line = self._placed(left)
        for index in (i for i in sorted(left, key=lambda i: -self._widths[i]) if self._may_shrink(i)):
            over = _needed(line) - width
            if over > 0:
                shorter = max(_SHORTEST, self._widths[index] - over)
                line = [
                    _Placed(one.index, min(one.width, shorter)) if one.index == index else one for one in line
                ]
        return line

    def _may_shrink(self, index: int) -> bool:
        return self._columns[index].folds or not self._columns[index].whole

    def _broken(self, line: _Line, width: int) -> Iterator[_Line]:
        """What is too much for one line goes on in the next one."""
        now: _Line = []
        for placed in line:
            if now and _needed([*now, placed]) > width:
                yield now
                now, width = [], width - _INDENT
            now.append(placed)
        if now:
            yield now

    def _placed(self, indices: Sequence[int]) -> _Line:
        return [_Placed(index, self._widths[index]) for index in indices]

    def _line(self, placed: _Line, row: Sequence[str], *, first: bool) -> Iterator[str]:
        indent = "" if first else " " * _INDENT
        cells, below = [], []
        for one in placed:
            column, cell = self._columns[one.index], row[one.index]
            if column.folds and cell_len(cell) > one.width:
                cell, *below = chop_cells(cell, one.width)
            cells.append(_cell(cell, one.width, right=column.right))
        text = indent + (" " * _GAP).join(cells).rstrip()
        if text.strip() or first:
            yield text
        hanging = " " * (len(indent) + _needed(placed[:-1]) + (_GAP if placed[:-1] else 0))
        for rest in below:
            yield hanging + rest


def records(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """One field a line, for what no terminal is wide enough for. Nothing is shortened."""
    printed = [printable(name) for name in names]
    width = max(map(cell_len, printed), default=0)
    for number, row in enumerate(rows, 1):
        yield f"── {number:,} ──"
        for name, cell in zip(printed, row, strict=True):
            yield f"{_cell(name, width, right=False)}  {printable(cell)}".rstrip()


def _needed(line: _Line) -> int:
    return sum(one.width for one in line) + _GAP * max(0, len(line) - 1)


def _cell(text: str, width: int, *, right: bool) -> str:
    long = cell_len(text)
    if long > width:
        return set_cell_size(text, width - 1) + "…"
    blank = " " * (width - long)
    return blank + text if right else text + blank


def _text(text: str, style: str) -> Text:
    return Text(text, style, no_wrap=True, overflow="ignore", end="\n")
