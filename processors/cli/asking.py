"""``leadstream sql``: shows answers, once or at a prompt."""

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final

import click
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from rich.console import Console

from processors.cli.errors import explained
from processors.clickhouse.answers import TEXTS, Answer, answered, open_for_people, own_page
from processors.clickhouse.completion import completions
from processors.clickhouse.query_errors import refused
from processors.clickhouse.statements import finished, split
from processors.clickhouse.vocabulary import Vocabulary, read_vocabulary
from processors.errors import CheckFailed, ExitCode
from processors.printable import styled
from processors.settings import Settings
from processors.signals import Signals
from processors.terminal.grid import Column, Grid, records
from processors.terminal.lines import say, say_lines

FORMS: Final = {"table": TEXTS, "json": "JSONEachRow", "csv": "CSVWithNames"}
ROWS: Final = 1_000
"""Of a table on a terminal: more cannot be aligned before the last one is there."""
_NUMBER: Final = re.compile(r"(?:Nullable\(|LowCardinality\()*(?:U?Int|Float|Decimal|BFloat)")
_TEXT: Final = re.compile(r"(?:Nullable\(|LowCardinality\()*(?:String|JSON|Map|Array|Tuple)")


def ask_once(settings: Settings, form: str, text: str, *, writing: bool) -> None:
    """Every statement of ``text``, in order. Raises what the first one fails with."""
    statements = split(text).all
    if not statements:
        raise CheckFailed("there is no query", "`leadstream sql --help` shows some.")
    with closing(open_for_people(settings, FORMS[form], writing=writing)) as client:
        for statement in statements:
            _ask(client, statement)


def ask_on(settings: Settings, form: str, signals: Signals, *, writing: bool) -> None:
    """At a prompt, until Ctrl-D; what fails is said, and the next one may be asked."""
    from processors.terminal.prompt import Prompt, Suggestion

    with closing(open_for_people(settings, FORMS[form], writing=writing)) as client:
        _greet(client, writing=writing)

        @cache
        def vocabulary() -> Vocabulary:
            with suppress(ClickHouseError):
                return read_vocabulary(client)
            return Vocabulary()

        def suggest(before: str) -> Iterator[Suggestion]:
            return (Suggestion(*one) for one in completions(before, vocabulary()))

        prompt = Prompt(
            client.database or "sql", suggest=suggest, finished=_may_end, history=_state() / "sql_history"
        )
        for text in prompt.asked():
            if text.strip().rstrip(";").lower() in ("exit", "quit"):
                return
            for statement in split(text).all:
                if not _asked(client, statement, signals):
                    break


def _asked(client: Client, statement: str, signals: Signals) -> bool:
    try:
        _ask(client, statement)
    except KeyboardInterrupt:
        if signals.exit_code != ExitCode.INTERRUPTED:
            raise
        say("the query was ended", err=True)
        return False
    except BrokenPipeError:
        raise
    except Exception as error:
        explained(error).show()
        return False
    return True


def _may_end(text: str) -> bool:
    return finished(text) or text.strip().lower() in ("exit", "quit")


def _greet(client: Client, *, writing: bool) -> None:
    may = "changes what you say (--write)" if writing else "only reads; --write lifts that"
    say(f"ClickHouse {client.server_version}, database {client.database}. This prompt {may}.")
    say("A statement ends with ;  Tab completes, Ctrl-C ends a query, Ctrl-D leaves.")
    if (page := own_page(client)) is not None:
        say(f"ClickHouse's own page for queries: {page}")


def _ask(client: Client, statement: str) -> None:
    begin = time.monotonic()
    console = Console(highlight=False)
    try:
        # For whoever waits; a table is drawn when all of it is there.
        # In a pipe it would leave a blank line behind.
        err = Console(stderr=True, quiet=not sys.stderr.isatty())
        waiting = err.status("asking ClickHouse; Ctrl-C ends the query")
        with waiting, answered(client, statement) as answer:
            if answer.form != TEXTS:
                waiting.stop()
                _pour(answer)
                return
            names, types, rows = _read(answer)
            more = len(rows) > ROWS
    except ClickHouseError as error:
        told = refused(error, statement, lambda: read_vocabulary(client))
        raise (told or error) from error
    if names:
        _show(console, names, types, rows[:ROWS])
    if more:
        say(f"the first {ROWS:,} rows are shown; --csv and --json have all of them", err=True)
    else:
        count = f"{len(rows):,} row{'' if len(rows) == 1 else 's'} " if names else ""
        say(styled(f"{count}in {time.monotonic() - begin:.2f} s", dim=True), err=True)


def _read(answer: Answer) -> tuple[list[str], list[str], list[list[str]]]:
    """Names, types, and one row more than are shown, if there are so many."""
    table = answer.table()
    return next(table, []), next(table, []), list(islice(table, ROWS + 1))


def _show(console: Console, names: list[str], types: list[str], rows: list[list[str]]) -> None:
    columns = [
        Column(
            name,
            right=bool(_NUMBER.match(kind)),
            whole=not _TEXT.match(kind) or name.endswith("id"),
        )
        for name, kind in zip(names, types, strict=True)
    ]
    grid = Grid(columns, rows, narrow=0)
    if not console.is_terminal:
        say_lines("\n".join(line for lines in grid.lines(1 << 20) for line in lines))
    elif grid.on_one_line(console.width) is None:
        say_lines("\n".join(records(names, rows)))
    else:
        console.print(grid)
        if grid.shortens(console.width):
            say("… was shortened: FORMAT Vertical, --csv and --json show all of it", err=True)


def _pour(answer: Answer) -> None:
    """As it comes; a terminal gets nothing that it would obey."""
    out = click.get_binary_stream("stdout")
    if out.isatty():
        for line in answer.lines():
            say_lines(line.decode(errors="replace"))
    else:
        for piece in answer.pieces():
            out.write(piece)
        out.flush()


def _state() -> Path:
    """Where this user's programs keep what they remember."""
    base = os.environ.get("XDG_STATE_HOME") or ""
    # The specification ignores what is not absolute.
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state") / "leadstream"
