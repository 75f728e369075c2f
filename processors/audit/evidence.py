"""Everything that an audit has read, on disk, to be taken bucket by bucket. Knows nothing of its sources.

Memory is that of one bucket: about ``BUCKET_RECORDS`` records, and never less than the events of the busiest
click or customer.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from msgspec import Raw, Struct
from msgspec.msgpack import Decoder, Encoder

from processors.audit.clicks import CLICK_TABLES, ClickTable, ClickTraces, Values
from processors.audit.inputs import Facts, Filed, Inputs, distinct
from processors.audit.judging import Emission, Traces
from processors.audit.model.outcome import CustomerKey
from processors.audit.report import Difference, Wrong
from processors.audit.results import (
    CUSTOMERS,
    KINDS,
    LEADS,
    REVISION_COLUMNS,
    UNREADABLE,
    Kind,
    Row,
    owner,
)
from processors.audit.spill import Buckets
from schemas.topics import click_key, customer_key, split_key

BUCKET_RECORDS: Final = 40_000


class _Emitted(Struct, frozen=True, array_like=True, gc=False):
    """A record of a result topic. ``value`` None: a tombstone of the customer with this ``key``."""

    kind: str
    key: bytes
    value: bytes | None
    at_ms: int
    behind: bool
    live: bool


_encode: Final = Encoder().encode
_emitted: Final = Decoder(_Emitted).decode
_row: Final = Decoder(tuple[str, list[object]]).decode
_click_row: Final = Decoder(tuple[bytes, int, Raw]).decode
_values: Final = Decoder(list[object]).decode
_KINDS: Final = {kind.name: kind for kind in KINDS}
_REVISION: Final = "revision"

Found = dict[str, tuple[CustomerKey, Traces]]
"""Results of one kind by identity, with whose they are."""


@dataclass
class Gathered:
    """What is known of the customers of one bucket.

    ``published``: those with a status in ``customers``. ``going``: whose erasure the sink has yet to see.
    """

    facts: Facts
    found: dict[Kind, Found] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    published: set[CustomerKey] = field(default_factory=set)
    going: set[CustomerKey] = field(default_factory=set)

    def trace(self, kind: Kind, identity: str, whose: CustomerKey) -> Traces:
        """The traces of a result, new ones when there are none."""
        return self.found[kind].setdefault(identity, (whose, Traces()))[1]


class Evidence:
    """Add everything, :meth:`join`, then :meth:`take` each bucket. ``records``: about how many there will be.

    ``workspace``: leave out all others. ``now_ms``: the clock of the audit.
    """

    def __init__(self, directory: Path, records: int, now_ms: int, workspace: str | None = None) -> None:
        self.buckets = max(1, -(-records // BUCKET_RECORDS))
        self.inputs = Inputs(directory / "inputs", self.buckets, now_ms, workspace)
        self.unreadable: list[Difference] = []
        self._workspace = workspace
        self._results = Buckets(directory / "results", self.buckets)
        self._rows = Buckets(directory / "rows", self.buckets)
        self._clicks = Buckets(directory / "stored-clicks", self.buckets)

    def add_result(
        self,
        kind: Kind,
        place: str,
        key: bytes | None,
        value: bytes | None,
        *,
        at_ms: int = 0,
        behind: bool = False,
        live: bool = False,
    ) -> None:
        """A committed record; ``place`` names it, ``at_ms``: when it counts as written.

        ``behind``: the sink has not come to it. ``live``: of the live system, beside an audited replay.
        """
        try:
            erased = value is None and kind is CUSTOMERS
            whose = split_key(key or b"") if erased else owner(kind.read(value))
        except UNREADABLE as error:
            self.unreadable.append(
                Difference(Wrong.UNREADABLE_IN_TOPIC, kind.name, place, "", "", detail=str(error))
            )
            return
        if self._workspace in (None, whose[0]):
            filed = customer_key(*whose)
            self._results.add(filed, _encode(_Emitted(kind.name, filed, value, at_ms, behind, live)))

    def add_row(self, kind: Kind, row: Row) -> None:
        """A row of the kind's view."""
        self._add_row(kind.name, kind.columns.values(), row)

    def add_revision(self, row: Row) -> None:
        """A row of the view of revisions."""
        self._add_row(_REVISION, REVISION_COLUMNS.values(), row)

    def add_click(self, table: ClickTable, values: Values) -> None:
        """A row of a table of clicks."""
        workspace_id, click_id = (
            str(values[table.columns.index(name)]) for name in ("workspace_id", "click_id")
        )
        if self._workspace in (None, workspace_id):
            key = click_key(workspace_id, click_id)
            self._clicks.add(key, _encode((key, CLICK_TABLES.index(table), values)))

    def _add_row(self, name: str, columns: Iterable[str], row: Row) -> None:
        workspace_id, customer = _whose(row)
        if self._workspace in (None, workspace_id):
            self._rows.add(
                customer_key(workspace_id, customer), _encode((name, [row[column] for column in columns]))
            )

    def join(self) -> Iterator[Iterator[ClickTraces]]:
        """After the last event, before a bucket is taken: bucket by bucket, the clicks and their rows."""
        for bucket in range(self.buckets):
            filed = self.inputs.join(bucket)
            rows: defaultdict[bytes, list[tuple[ClickTable, bytes]]] = defaultdict(list)
            for raw in self._clicks.take(bucket):
                key, number, values = _click_row(raw)
                rows[key].append((CLICK_TABLES[number], bytes(values)))
            keys = filed.keys() | rows.keys()
            # One after the other: as objects, all together would take many times as much memory.
            yield (self._click(key, filed.get(key, ()), rows.get(key, ())) for key in keys)
            del filed, rows  # or two buckets would be in memory while the next one is read

    def _click(
        self, key: bytes, filed: Sequence[Filed], rows: Sequence[tuple[ClickTable, bytes]]
    ) -> ClickTraces:
        traces = ClickTraces(*split_key(key))
        traces.events = [self.inputs.arrived(one) for one in distinct(filed) if one.value]
        traces.unsettled = any(one.unsettled for one in filed)
        traces.behind = any(one.behind for one in filed)
        for table, values in rows:
            traces.rows.setdefault(table.source, []).append(_values(values))
        return traces

    def take(self, bucket: int) -> Gathered:
        """Everything about the customers of a bucket; then it is gone."""
        gathered = Gathered(self.inputs.take(bucket))
        for raw in self._results.take(bucket):
            self._gather(_emitted(raw), gathered)
        for raw in self._rows.take(bucket):
            name, values = _row(raw)
            if name == _REVISION:
                row = dict(zip(REVISION_COLUMNS.values(), values, strict=True))
                gathered.trace(LEADS, LEADS.identity_in(row), _whose(row)).revisions.append(row)
                continue
            kind = _KINDS[name]
            row = dict(zip(kind.columns.values(), map(_hashable, values), strict=True))
            gathered.trace(kind, kind.identity_in(row), _whose(row)).rows.append(row)
        return gathered

    def _gather(self, emitted: _Emitted, gathered: Gathered) -> None:
        kind, whose = _KINDS[emitted.kind], split_key(emitted.key)
        if emitted.value is None:
            _forget(gathered, kind, whose, live=emitted.live)
            if emitted.behind and not emitted.live:
                gathered.going.add(whose)
            return
        result = kind.read(emitted.value)
        traces = gathered.trace(kind, kind.identity_of(result), whose)
        if emitted.live:
            traces.live = result
            return
        traces.emitted.append(Emission(result, emitted.at_ms, emitted.behind))
        if kind is CUSTOMERS:
            gathered.published.add(whose)


def _forget(gathered: Gathered, kind: Kind, whose: CustomerKey, *, live: bool) -> None:
    """A tombstone."""
    for customer, traces in gathered.found[kind].values():
        if customer == whose and live:
            traces.live = None
        elif customer == whose:
            traces.emitted.clear()
    if not live:
        gathered.published.discard(whose)


def _hashable(value: object) -> object:
    """As a row had it: where it lay meanwhile there are no tuples."""
    return tuple(map(tuple, value)) if isinstance(value, list) else value


def _whose(row: Row) -> CustomerKey:
    return str(row["workspace_id"]), str(row["customer_external_id"])
