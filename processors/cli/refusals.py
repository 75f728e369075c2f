"""Shows refusals: a table for people, JSON Lines for programs, one of them in full; and what went back."""

from collections import Counter
from typing import Final

import click
import orjson
from rich.console import Console

from processors.errors import CheckFailed
from processors.kafka.running import run_on_kafka
from processors.refusals.dead_letters import DeadLetter
from processors.refusals.finding import Finder, ids_text
from processors.refusals.refusal import Kind, Refusal
from processors.refusals.replaying import Replay
from processors.refusals.selection import Selection
from processors.refusals.telling import in_full
from processors.settings import Settings
from processors.terminal.asking import confirm
from processors.terminal.bars import Bar
from processors.terminal.grid import Column, Grid
from processors.terminal.lines import say, say_cells, say_json

ROWS: Final = 50


def show_list(
    settings: Settings, kind: Kind, selection: Selection, limit: int | None, *, as_json: bool
) -> None:
    """The newest ``limit`` of the selected ones, newest first; JSON without a limit: all, as they come.

    Raises ``CheckFailed`` when there is no such workspace.
    """
    most = limit if limit is not None else None if as_json else ROWS
    by_reason: Counter[str] = Counter()
    with Bar("reading", None, "records") as bar:
        finder = Finder(settings, kind, selection, bar)
        rows = run_on_kafka(_stream(finder, by_reason) if most is None else finder.newest(most, by_reason))
    if not by_reason:
        _require_workspace(settings, selection, finder.workspaces)
    if as_json:
        for one in rows:
            say_json(_line(one))
    else:
        _table(kind, rows, by_reason)
    if finder.foreign:
        say(f"{finder.foreign:,} other records in the topic are none", err=True)


async def _stream(finder: Finder, by_reason: Counter[str]) -> list[Refusal]:
    """Shows them as they come, and returns none that would have to be shown later."""
    async for one in finder.find():
        by_reason[one.reason] += 1
        say_json(_line(one))
    return []


def _require_workspace(settings: Settings, selection: Selection, seen: set[str]) -> None:
    """For whoever has found nothing. ``seen``: workspaces that there are."""
    if selection.workspace is not None:
        from processors.workspaces import require_workspace

        require_workspace(settings, selection.workspace, seen)


def _line(one: Refusal) -> bytes:
    return orjson.dumps(one.document())


def _table(kind: Kind, rows: list[Refusal], by_reason: Counter[str]) -> None:
    total = by_reason.total()
    if rows:
        # A pipe has no width: nothing is left out for it, and its columns are parted by tabs.
        console = Console(highlight=False)
        cells = [one.cells() for one in rows]
        if console.is_terminal:
            console.print(Grid([_column(name) for name in kind.columns], cells))
        else:
            for line in (kind.columns, *cells):
                say_cells(*line)
    summary = ", ".join(f"{times:,} {reason}" for reason, times in by_reason.most_common())
    say(kind.count(total) + (f": {summary}" if summary else ""))
    if len(rows) < total:
        say(f"the newest {len(rows):,} are shown; --limit shows more, --json all of them", err=True)


def _column(name: str) -> Column:
    """What tells refusals apart comes first; the rest may stand on a second line. Nothing is shortened."""
    first = name in ("id", "reported (UTC)", "reason", "attempt")
    return Column(name, line=1 if first else 2, folds=name == "detail")


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
            for text in in_full(one):
                say(text)


def replay(
    settings: Settings,
    kind: Kind,
    selection: Selection,
    *,
    rate: int,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **limits: int,
) -> None:
    """Send them back, or find out what that would do, and tell. Asks before it sends all that there are.

    Raises ``CheckFailed``: an id is unknown, there is no such workspace, or the answer is no.
    """

    def made(label: str) -> tuple[Replay, Bar]:
        bar = Bar(label, None, "records")
        return Replay(settings, kind, selection, rate=rate, progress=bar, **limits), bar

    if selection.everything and not (dry_run or yes):
        run, bar = made("reading")
        with bar:
            run_on_kafka(run.rehearse())
        for line in run.lines(dry_run=True):
            say(line, err=True)
        if run.by_topic:
            confirm(f"No filter is given. Replay all {kind.count(run.by_topic.total())}?", "--yes")
    run, bar = made("reading" if dry_run else "replaying")
    try:
        with bar:
            run_on_kafka(run.rehearse() if dry_run else run.run())
    except BaseException:
        if run.by_topic:
            _tell(run, dry_run=dry_run, as_json=as_json)
        raise
    if not run.by_topic and not run.left_alone and not selection.ids:
        _require_workspace(settings, selection, run.workspaces)
    _tell(run, dry_run=dry_run, as_json=as_json)
    if run.missing:
        raise CheckFailed(f"not found: {ids_text(run.missing)}", "`list` shows the ids there are.")


def _tell(run: Replay, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        say_json(orjson.dumps(run.document(dry_run=dry_run)))
    else:
        for line in run.lines(dry_run=dry_run):
            say(line)
