"""One result, in all the places where it should be: is it there, once, and the same? Pure.

The topic is held against the model, ClickHouse against the topic. Where one of the two sides is not certain,
the result is listed apart, with the reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from processors.audit.report import Apart, Change, Difference, LeftOut, Verdict, Wrong
from processors.audit.results import TOUCHES, Kind, Result, Row, as_stored, fields, happened_ms, oldest_ms


@dataclass(frozen=True)
class Horizon:
    """What is no longer there. ``inputs_ms``: events recorded before may be gone; None: nothing is.

    ``results_ms``: the same of the topic of results.
    """

    inputs_ms: int | None = None
    results_ms: int | None = None


@dataclass(frozen=True)
class Standing:
    """What is known of the customer whose result it is. ``going``: the sink has yet to see the erasure."""

    contested: bool = False
    unsettled: bool = False
    erased: bool = False
    going: bool = False
    published: bool = False
    """The customer's status is in ``customers``: it was not erased by an erasure that is gone."""


class Emission(NamedTuple):
    """A committed record of a result. ``at_ms``: as the sink counts; ``behind``: it has not come to it."""

    result: Result
    at_ms: int
    behind: bool = False


@dataclass
class Traces:
    """A result by place. ``in_time``: what the model makes of it when holds end by the records' times.

    ``emitted``: every committed record of it, in order. ``revisions``: rows, of a lead only.
    ``live``: the newest one of the live system, when a replay is audited beside it. ``final``: what nothing
    changes once it has been emitted; None: nothing is known to be like that.
    """

    expected: Result | None = None
    in_time: Result | None = None
    emitted: list[Emission] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    revisions: list[Row] = field(default_factory=list)
    live: Result | None = None
    final: Result | None = None

    @property
    def newest(self) -> Result | None:
        """As a reader knows it."""
        return self.emitted[-1].result if self.emitted else None

    @property
    def behind(self) -> bool:
        """The sink has not come to the newest."""
        return bool(self.emitted) and self.emitted[-1].behind


class Judge:
    """Judges results of one kind. ``clickhouse``, ``beside``: whether rows, or live results, were read."""

    def __init__(self, kind: Kind, horizon: Horizon, *, clickhouse: bool, beside: bool = False) -> None:
        self._kind = kind
        self._horizon = horizon
        self._clickhouse = clickhouse
        self._beside = beside

    def judge(
        self, identity: str, whose: tuple[str, str], traces: Traces, standing: Standing
    ) -> list[Verdict]:
        """Everything that is to be said of a result; nothing when all is well."""
        case = _Case(self._kind, identity, whose, traces, standing, self._horizon)
        found: list[Verdict] = [*case.revisions(), *case.topic()]
        if not standing.unsettled and not standing.erased:
            found += case.clickhouse() if self._clickhouse else ()
            found += case.beside() if self._beside else ()
        return list(dict.fromkeys(found))

    def wanted(self, traces: Traces, standing: Standing) -> Result | None:
        """What the result should be: of several that are right, the one that was published; None: nothing."""
        if standing.erased:
            return None
        return traces.newest if _is_right(traces) else traces.expected


@dataclass(frozen=True)
class _Case:
    kind: Kind
    identity: str
    whose: tuple[str, str]
    traces: Traces
    standing: Standing
    horizon: Horizon

    def revisions(self) -> Iterator[Difference]:
        """Each once, without a gap; the first ones may have been removed by retention."""
        emitted = [one.result for one in self.traces.emitted]
        numbers = [revision for one in emitted if (revision := getattr(one, "revision", None))]
        before = None if self.horizon.results_ms is not None else 0
        for number in numbers:
            if before is not None and number == before:
                yield self._wrong(Wrong.REVISION_TWICE, detail=f"revision {number}")
            elif before is not None and number != before + 1:
                yield self._wrong(Wrong.REVISION_MISSING, detail=f"{number} comes after {before}")
            before = number

    def topic(self) -> list[Verdict]:
        """The newest record against the model."""
        newest, expected, final = self.traces.newest, self.traces.expected, self.traces.final
        if self.standing.unsettled:
            return [self._apart(Apart.UNSETTLED)]
        if self.standing.erased:
            if self.traces.rows and self.standing.going:
                return [self._apart(Apart.NOT_STORED_YET)]
            if self.traces.rows:
                return [self._wrong(Wrong.UNEXPECTED_IN_CLICKHOUSE, detail="its customer was erased")]
            return [self._apart(Apart.ERASED)] if newest is not None else []
        if _is_right(self.traces):
            return []
        if (
            final is not None
            and newest is not None
            and any(_same(final, one.result) for one in self.traces.emitted)
        ):
            return [self._wrong(Wrong.DIFFERS_IN_TOPIC, _changes(final, newest))]
        if self.standing.contested:
            return [self._apart(Apart.CONTESTED)]
        if not _same(expected, self.traces.in_time):
            return [self._apart(Apart.HOLD)]
        if self._beyond():
            return [self._apart(Apart.BEYOND_INPUT)]
        if newest is None:
            return [self._wrong(Wrong.MISSING_IN_TOPIC)]
        if expected is None:
            return [self._wrong(Wrong.UNEXPECTED_IN_TOPIC)]
        return [self._wrong(Wrong.DIFFERS_IN_TOPIC, _changes(expected, newest))]

    def clickhouse(self) -> Iterator[Verdict]:
        """The view against the newest record, or against the model where the topic no longer has one."""
        rows, newest = self.traces.rows, self.traces.newest
        if len(rows) > 1:
            yield self._wrong(Wrong.TWICE_IN_CLICKHOUSE, detail=f"{len(rows)} rows")
        if newest is None:
            if rows and self._record_is_gone(rows[0]):
                yield self._apart(Apart.BEYOND_INPUT)
            elif rows:
                yield self._wrong(Wrong.UNEXPECTED_IN_CLICKHOUSE)
            return
        changes = row_changes(newest, self.kind.columns, rows[0]) if rows else ()
        if rows and not changes:
            return
        if self.traces.behind:
            yield self._apart(Apart.NOT_STORED_YET)
        elif not rows:
            yield self._wrong(Wrong.MISSING_IN_CLICKHOUSE)
        else:
            yield self._wrong(Wrong.DIFFERS_IN_CLICKHOUSE, changes)

    def beside(self) -> Iterator[Verdict]:
        """A replay against the live system: same ids, same content. Revisions are counted by each alone."""
        newest, live = self.traces.newest, self.traces.live
        if _same(newest, live):
            return
        if self.standing.contested:
            yield self._apart(Apart.CONTESTED)
        elif not _same(self.traces.expected, self.traces.in_time):
            yield self._apart(Apart.HOLD)
        elif self._beyond() or (live is not None and self._rests_on_what_is_gone(live)):
            yield self._apart(Apart.BEYOND_INPUT)
        elif newest is None:
            yield self._wrong(Wrong.NOT_REPLAYED)
        elif live is None:
            yield self._wrong(Wrong.ONLY_REPLAYED)
        else:
            yield self._wrong(Wrong.REPLAYED_DIFFERENTLY, _changes(live, newest))

    def _rests_on_what_is_gone(self, result: Result) -> bool:
        return self.horizon.inputs_ms is not None and oldest_ms(result) < self.horizon.inputs_ms

    def _beyond(self) -> bool:
        """Retention may be why topic and model differ."""
        newest, expected, horizon = self.traces.newest, self.traces.expected, self.horizon
        if any(one is not None and self._rests_on_what_is_gone(one) for one in (newest, expected)):
            return True
        if newest is not None:
            return False
        if self.traces.rows:
            return self._record_is_gone(self.traces.rows[0])
        if expected is None:
            return False
        if horizon.results_ms is not None and happened_ms(expected) < horizon.results_ms:
            return True
        # An erasure may be gone with the rest; whoever was not erased has a status.
        return horizon.inputs_ms is not None and not self.standing.published

    def _record_is_gone(self, row: Row) -> bool:
        """A result cannot be published before it happens."""
        gone_ms, happened = self.horizon.results_ms, row.get("timestamp")
        return gone_ms is not None and isinstance(happened, int) and happened < gone_ms

    def _wrong(self, wrong: Wrong, changes: Sequence[Change] = (), detail: str = "") -> Difference:
        return Difference(wrong, self.kind.name, self.identity, *self.whose, tuple(changes), detail)

    def _apart(self, why: Apart) -> LeftOut:
        return LeftOut(why, self.kind.name, self.identity, *self.whose)


def row_changes(result: Result, columns: Mapping[str, str], row: Row) -> tuple[Change, ...]:
    """What a row says otherwise than the result, by column."""
    values = fields(result)
    pairs = [(column, as_stored(path, values[path])) for path, column in columns.items()]
    return tuple(
        Change(column, value, row.get(column)) for column, value in pairs if row.get(column) != value
    )


def _is_right(traces: Traces) -> bool:
    """Is the newest record one of those that the events may make?"""
    newest, final = traces.newest, traces.final
    if _same(traces.expected, newest) or _same(traces.in_time, newest):
        return True
    return final is not None and newest is not None and _same(final, newest)


def _same(expected: Result | None, found: Result | None) -> bool:
    if expected is None or found is None:
        return expected is found
    return not _changes(expected, found)


def _changes(expected: Result, found: Result) -> tuple[Change, ...]:
    """The model does not count revisions, and releases before listed no touches."""
    wanted, given = fields(expected), fields(found)
    left_out = {"revision"} if getattr(found, TOUCHES, True) else {"revision", TOUCHES}
    return tuple(
        Change(name, value, given[name])
        for name, value in wanted.items()
        if name not in left_out and given[name] != value
    )
