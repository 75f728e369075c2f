"""Shows refusals: a table for people, JSON Lines for programs, one of them in full."""

import heapq
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Final

import click
import orjson

from processors.cli.errors import CheckFailed
from processors.cli.progress import Bar
from processors.cli.refusals.dead_letters import DeadLetter
from processors.cli.refusals.finding import Finder, ids_text
from processors.cli.refusals.refusal import Kind, Refusal
from processors.cli.refusals.selection import Selection
from processors.cli.terminal import say, say_cells, say_json
from processors.printable import printable
from processors.settings import Settings

ROWS: Final = 50
_HEX_BYTES: Final = 4096
_HEX_LINE: Final = 16


async def show_list(
    settings: Settings, kind: Kind, selection: Selection, limit: int | None, *, as_json: bool
) -> None:
    """The newest ``limit`` of the selected ones, newest first; JSON without a limit: all, as they come."""
    with Bar("reading", None, "records") as bar:
        finder = Finder(settings, kind, selection, bar)
        by_reason: Counter[str] = Counter()
        newest: list[tuple[int, int, Refusal]] = []
        numbers = count()
        most = limit if limit is not None else None if as_json else ROWS
        async for one in finder.find():
            by_reason[one.reason] += 1
            if most is None:
                say_json(_line(one))
                continue
            entry = one.reported_ms, next(numbers), one
            (heapq.heappush if len(newest) < most else heapq.heappushpop)(newest, entry)
    rows = [one for _, _, one in sorted(newest, reverse=True)]
    if as_json:
        for one in rows:
            say_json(_line(one))
    else:
        _table(kind, rows, by_reason)
    if finder.foreign:
        say(f"{finder.foreign:,} other records in the topic are none", err=True)


def _line(one: Refusal) -> bytes:
    return orjson.dumps(one.document())


def _table(kind: Kind, rows: list[Refusal], by_reason: Counter[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    total = by_reason.total()
    if rows:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in kind.columns:
            table.add_column(column, overflow="fold" if column == "detail" else "ellipsis")
        for one in rows:
            table.add_row(*(Text(printable(cell)) for cell in one.cells()))
        # A pipe has no width: nothing is cut off for it.
        console = Console(highlight=False)
        if console.is_terminal:
            console.print(table)
        else:
            for line in (kind.columns, *(one.cells() for one in rows)):
                say_cells(*line)
    summary = ", ".join(f"{times:,} {reason}" for reason, times in by_reason.most_common())
    say(kind.count(total) + (f": {summary}" if summary else ""))
    if len(rows) < total:
        say(f"the newest {len(rows):,} are shown; --limit shows more, --json all of them", err=True)


async def show_one(settings: Settings, kind: Kind, selection: Selection, *, as_json: bool, raw: bool) -> None:
    """All of a dead letter. Raises ``CheckFailed`` when it is not there."""
    with Bar("reading", None, "records") as bar:
        finder = Finder(settings, kind, selection, bar)
        found = [one async for one in finder.find()]
    if finder.missing:
        raise CheckFailed(
            f"no {kind.one} {ids_text(finder.missing)}",
            "`leadstream dlq list` shows those there are.",
        )
    for one in found:
        assert isinstance(one, DeadLetter)  # noqa: S101 - narrows: the other kind has no such command
        if raw:
            click.get_binary_stream("stdout").write(one.value or b"")
        elif as_json:
            say_json(_line(one))
        else:
            for text in _in_full(one):
                say(text)


def _in_full(letter: DeadLetter) -> Iterator[str]:
    cause = letter.cause
    document = letter.document()
    yield f"id           {letter.id}"
    yield f"reported     {document['reportedAt']}"
    yield f"reason       {cause.reason}"
    yield f"detail       {cause.detail}"
    yield f"attempt      {cause.attempt}"
    yield f"workspace    {letter.workspace or '(none)'}"
    topic, partition, offset = cause.source
    yield f"source       {topic}, partition {partition}, offset {offset}"
    yield f"record time  {document['source']['timestamp'] or '(none)'}"
    yield f"key          {_shown(letter.key)}"
    yield f"value        {'(none)' if letter.value is None else f'{len(letter.value):,} bytes'}"
    if letter.value is not None:
        yield ""
        yield from _readable(letter.value)


def _shown(value: bytes | None) -> str:
    if value is None:
        return "(none)"
    try:
        return value.decode()
    except UnicodeDecodeError:
        return "0x" + value.hex()


def _readable(value: bytes) -> Iterator[str]:
    """Text as it is; else bytes, as `hexdump -C` shows them."""
    try:
        lines = value.decode().split("\n")
    except UnicodeDecodeError:
        for start in range(0, min(len(value), _HEX_BYTES), _HEX_LINE):
            part = value[start : start + _HEX_LINE]
            text = "".join(chr(one) if 32 <= one < 127 else "." for one in part)
            yield f"{start:08x}  {part.hex(' '):<47}  |{text}|"
        if len(value) > _HEX_BYTES:
            yield f"… and {len(value) - _HEX_BYTES:,} bytes more; --raw writes them all"
    else:
        yield from lines
