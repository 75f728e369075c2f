"""One click, in the tables that have it. Pure.

No topic has results of clicks: the tables are held against the events themselves, of which the model says
which one counts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from processors.audit.model.arrivals import Arrived
from processors.audit.model.rules import ModelPolicy, click_content, click_that_counts
from processors.audit.report import Apart, Change, Difference, LeftOut, Verdict, Wrong
from schemas.events import Click
from schemas.times import DAY_MS, MAX_AHEAD_MS

Values = Sequence[object]
"""Of a row, in the order of the table's columns; times are epoch milliseconds."""

SHOWN: Final = tuple(name for name in Click.__struct_fields__ if name != "bot")
LOOKED_UP: Final = (
    "workspace_id",
    "click_id",
    "timestamp",
    "track_conversion",
    "link_id",
    "domain",
    "key",
    "url",
    "partner_id",
    "program_id",
    "tenant_id",
    "link_external_id",
)
"""What a gateway answers with."""


class ClickTable(NamedTuple):
    """``source``: as a query names it."""

    source: str
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """For people."""
        return self.source.removesuffix(" FINAL")


class ClickKind(NamedTuple):
    """Tables that are to hold the same clicks."""

    name: str
    tables: tuple[ClickTable, ...]


CLICK_KINDS: Final = (
    ClickKind("click", (ClickTable("clicks", SHOWN),)),
    ClickKind(
        "click by id",
        (ClickTable("clicks_raw FINAL", LOOKED_UP), ClickTable("clicks_by_id FINAL", LOOKED_UP)),
    ),
)
CLICK_TABLES: Final = tuple(table for kind in CLICK_KINDS for table in kind.tables)


@dataclass
class ClickTraces:
    """Everything about one clickId. ``events``: of people and of bots. ``rows``: by source.

    ``unsettled``: the workers may or may not have used one of them. ``behind``: the sink has not come to one,
    or to what the workers reported of one.
    """

    workspace_id: str
    click_id: str
    events: list[Arrived] = field(default_factory=list)
    rows: dict[str, list[Values]] = field(default_factory=dict)
    unsettled: bool = False
    behind: bool = False


class JudgedClick:
    """``at_ms``: when it was, None: there is no such click. ``gone_ms``: events recorded before may be gone;
    None: nothing is."""

    def __init__(self, traces: ClickTraces, policy: ModelPolicy, gone_ms: int | None) -> None:
        self._traces = traces
        self._gone_ms = gone_ms
        people = [
            (one, one.event) for one in traces.events if isinstance(one.event, Click) and not one.event.bot
        ]
        contents = [click_content(event, one.at_ms) for one, event in people]
        stored = [_stored(event, one.at_ms) for one, event in people]
        counting = click_that_counts(set(contents)) if contents else None
        # Of events that differ in what no lead keeps, any.
        self._right = [row for row, content in zip(stored, contents, strict=True) if content == counting]
        arrivals = [one.arrived_ms for one, _ in people]
        self._others = stored if people and max(arrivals) - min(arrivals) > _remembered_ms(policy) else []
        self.at_ms = None if counting is None else counting.timestamp

    @property
    def expected(self) -> bool:
        """Is there such a click?"""
        return self.at_ms is not None

    def latest_ms(self) -> int | None:
        """The latest time at which the events or a table say that it was; None: nobody says that it was."""
        known = [*self._times(), *(() if self.at_ms is None else (self.at_ms,))]
        return max(known, default=None)

    def is_in(self, kind: ClickKind) -> bool:
        """Is it in all tables of the kind?"""
        return all(self._traces.rows.get(table.source) for table in kind.tables)

    def of(self, kind: ClickKind) -> list[Verdict]:
        """Nothing when all is well."""
        return list(dict.fromkeys(verdict for table in kind.tables for verdict in self._in(table, kind)))

    def _in(self, table: ClickTable, kind: ClickKind) -> Iterator[Verdict]:
        rows = self._traces.rows.get(table.source, [])
        right = [tuple(one[column] for column in table.columns) for one in self._right]
        if [tuple(row) for row in rows] in ([[one] for one in right] or [[]]):
            return
        if why := self._excuse(table, rows):
            yield LeftOut(why, kind.name, self._traces.click_id, self._traces.workspace_id, "")
            return
        where = f"in {table.name}" if len(kind.tables) > 1 else ""
        if not rows:
            yield self._wrong(Wrong.MISSING_IN_CLICKHOUSE, kind, detail=where)
        elif not right:
            yield self._wrong(Wrong.UNEXPECTED_IN_CLICKHOUSE, kind, detail=where)
        elif len(rows) > 1:
            yield self._wrong(Wrong.TWICE_IN_CLICKHOUSE, kind, detail=f"{len(rows)} rows")
        else:
            changes = min((_changes(table, one, rows[0]) for one in right), key=len)
            yield self._wrong(Wrong.DIFFERS_IN_CLICKHOUSE, kind, changes)

    def _excuse(self, table: ClickTable, rows: Iterable[Values]) -> Apart | None:
        if self._traces.unsettled:
            return Apart.UNSETTLED
        if self._traces.behind:
            return Apart.NOT_STORED_YET
        if self._gone_ms is not None and any(
            at_ms < self._gone_ms + MAX_AHEAD_MS for at_ms in self._times([table])
        ):
            return Apart.BEYOND_INPUT
        others = [[one[column] for column in table.columns] for one in self._others]
        return Apart.CONTESTED if others and rows and all(list(row) in others for row in rows) else None

    def _times(self, tables: Iterable[ClickTable] = CLICK_TABLES) -> Iterator[int]:
        for table in tables:
            for row in self._traces.rows.get(table.source, ()):
                at_ms = row[table.columns.index("timestamp")]
                assert isinstance(at_ms, int)  # noqa: S101 - narrows
                yield at_ms

    def _wrong(
        self, wrong: Wrong, kind: ClickKind, changes: tuple[Change, ...] = (), detail: str = ""
    ) -> Difference:
        click = self._traces
        return Difference(wrong, kind.name, click.click_id, click.workspace_id, "", changes, detail)


def _remembered_ms(policy: ModelPolicy) -> int:
    """After so long a click is forgotten, and its id may name another one (docs/guarantees.md)."""
    return policy.attribution_window_ms + 2 * policy.hold_ms + DAY_MS


def _stored(click: Click, at_ms: int) -> Mapping[str, object]:
    """By column, what a table should have of it."""
    texts = {name: "" if (value := getattr(click, name)) is None else str(value) for name in SHOWN}
    return texts | {
        "timestamp": at_ms,
        "track_conversion": click.track_conversion in (None, True),
        "qr": bool(click.qr),
    }


def _changes(table: ClickTable, expected: Values, found: Values) -> tuple[Change, ...]:
    return tuple(
        Change(column, wanted, given)
        for column, wanted, given in zip(table.columns, expected, found, strict=True)
        if wanted != given
    )
