"""What the two joins publish, and what the sink would store of it, given to an audit."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiokafka import ConsumerRecord
from msgspec.json import encode

from processors.attribution.customer_join import Forgotten
from processors.attribution.policy import Policy
from processors.audit.clicks import CLICK_TABLES, ClickTable, Values
from processors.audit.evidence import Evidence
from processors.audit.judging import Horizon
from processors.audit.report import Summary, Verdict
from processors.audit.results import CUSTOMERS, EMITTED_AT, KINDS, LEADS, REVISION_COLUMNS, SALES, Kind, Row
from processors.audit.verdicts import Verdicts
from processors.sink.click_rows import CLICK_COLUMNS, click_rows
from processors.sink.result_rows import (
    LEAD_COLUMNS,
    SALE_COLUMNS,
    STATUS_COLUMNS,
    customer_row,
    lead_row,
    sale_row,
)
from schemas.results import Customer, Lead, Sale
from schemas.times import DAY_MS
from schemas.topics import Topic, customer_key
from tests.attribution.builders import T0, policy
from tests.model.simulate import Network, Output, Record

ROWS: Final[dict[Kind, tuple[tuple[str, ...], Callable[[ConsumerRecord], tuple[Any, ...] | None]]]] = {
    LEADS: (LEAD_COLUMNS, lead_row),
    SALES: (SALE_COLUMNS, sale_row),
    CUSTOMERS: (STATUS_COLUMNS, customer_row),
}
COMPLETE: Final = {kind: Horizon() for kind in KINDS}


@dataclass
class Published:
    """Records of the result topics in order, and rows of the views; tests take away, add and change.

    ``clicked``: records of clicks, as they came.
    """

    results: list[tuple[Kind, bytes, bytes | None]] = field(default_factory=list)
    clicked: list[Record] = field(default_factory=list)
    rows: list[tuple[Kind, Row]] = field(default_factory=list)
    revisions: list[Row] = field(default_factory=list)
    clicks: list[tuple[ClickTable, Values]] = field(default_factory=list)

    def add(self, output: Output) -> None:
        """What the worker would write."""
        match output:
            case Lead() | Sale():
                key = customer_key(output.workspace_id, output.customer.external_id)
                self.results.append((LEADS if isinstance(output, Lead) else SALES, key, encode(output)))
            case Customer():
                key = customer_key(output.workspace_id, output.customer_external_id)
                self.results.append((CUSTOMERS, key, encode(output)))
            case Forgotten():
                key = customer_key(output.workspace_id, output.customer_external_id)
                self.results.append((CUSTOMERS, key, None))

    def store(self) -> None:
        """As the sink does it: of each result the newest; of an erased customer nothing."""
        newest: dict[tuple[Kind, str], Row] = {}
        revisions: dict[tuple[object, object], Row] = {}
        erased = {key for kind, key, value in self.results if kind is CUSTOMERS and value is None}
        for kind, key, value in self.results:
            if key not in erased:
                row = row_of(kind, key, value)
                newest[kind, kind.identity_in(row)] = row
                if kind is LEADS:
                    revisions[row["lead_id"], row["revision"]] = revision_of(row, T0)
        self.rows = [(kind, row) for (kind, _), row in newest.items()]
        self.revisions = [*revisions.values()]
        self.clicks = [
            (table, [row[column] for column in table.columns])
            for row in stored_clicks(self.clicked)
            for table in CLICK_TABLES
        ]


def row_of(kind: Kind, key: bytes, value: bytes | None) -> Row:
    """By the sink's own functions."""
    columns, row = ROWS[kind]
    record = ConsumerRecord("", 0, 0, T0, 0, key, value, None, 0, 0, ())
    stored = row(record)
    assert stored is not None
    values = dict(zip(columns, stored, strict=True))
    return {name: value for name, value in values.items() if name not in ("version", "is_deleted")}


def revision_of(lead: Row, at_ms: int) -> Row:
    """A row of the view of revisions, of one of the view of leads."""
    said = {**lead, EMITTED_AT: at_ms}
    return {column: said[column] for column in REVISION_COLUMNS.values()}


def stored_clicks(records: Iterable[Record]) -> list[Row]:
    """Rows by the sink's own functions; of each click the one that the tables choose."""
    row_of_click = click_rows(lambda: T0 + DAY_MS)
    chosen: dict[object, Row] = {}
    for one in records:
        record = ConsumerRecord("", 0, 0, one.timestamp, 0, b"", one.value, None, 0, 0, ())
        if (values := row_of_click(record)) is not None:
            row = dict(zip(CLICK_COLUMNS, values, strict=True))
            key = row["workspace_id"], row["click_id"]
            chosen[key] = max(chosen.get(key, row), row, key=_precedence)
    return [*chosen.values()]


def _precedence(row: Row) -> tuple[int, object, int]:
    version = row["version"]
    assert isinstance(version, int)
    return version >> 20, row["content_hash"], version & (1 << 20) - 1


@dataclass
class Story:
    """Records with the times at which they arrived, and what became of them."""

    records: list[Record]
    published: Published


def happen(records: Iterable[Record], gaps: Iterable[int] = (), rules: Policy | None = None) -> Story:
    """Through the joins, one after the other, ``gaps`` milliseconds apart; the rest at once."""
    system, published, arrived, pauses = Network(rules or policy(), T0), Published(), [], iter(gaps)
    for record in records:
        for output in system.advance(system.now_ms + next(pauses, 0)):
            published.add(output)
        one = Record(record.topic, record.value, system.now_ms, record.offset, record.partition)
        arrived.append(one)
        for output in system.send(one):
            published.add(output)
    for output in system.drain():
        published.add(output)
    published.clicked = [one for one in arrived if one.topic == Topic.CLICKS]
    published.store()
    return Story(arrived, published)


@dataclass
class Audited:
    """What an audit said."""

    verdicts: list[Verdict]
    summary: Summary


def audited(
    directory: Path,
    story: Story,
    *,
    rules: Policy | None = None,
    horizons: dict[Kind, Horizon] = COMPLETE,
    records: int = 1,
    workspace: str | None = None,
    since_ms: int | None = None,
    settled: int | None = None,
    stored: int | None = None,
    read: int | None = None,
    reported: Iterable[str] = (),
    clickhouse: bool = True,
    live: Published | None = None,
) -> Audited:
    """``live``: what a live system has published, beside which ``story`` is a replay.

    ``settled``, ``stored``: how many events the workers, and results the sink, have come to; None: all.
    ``read``: how many events the sink has. ``reported``: clickIds of reports that it has not come to.
    """
    evidence = Evidence(directory, records, T0, workspace)
    for number, record in enumerate(story.records):
        known = settled is None or number < settled
        behind = record.topic == Topic.CLICKS and read is not None and number >= read
        evidence.inputs.add(Topic(record.topic), record.value, record.timestamp, settled=known, behind=behind)
    for click_id in reported:
        evidence.inputs.mark_behind("w1", click_id)
    for number, (kind, key, value) in enumerate(story.published.results):
        behind = stored is not None and number >= stored
        evidence.add_result(kind, f"{kind.topic} 0:{number}", key, value, at_ms=T0, behind=behind)
    for kind, key, value in live.results if live is not None else ():
        evidence.add_result(kind, "", key, value, live=True)
    for kind, row in story.published.rows:
        evidence.add_row(kind, row)
    for row in story.published.revisions:
        evidence.add_revision(row)
    for table, values in story.published.clicks:
        evidence.add_click(table, values)
    summary = Summary()
    verdicts = Verdicts(
        rules or policy(),
        horizons,
        summary,
        clickhouse=clickhouse,
        beside=live is not None,
        since_ms=since_ms,
        clicks_gone_ms=horizons[LEADS].inputs_ms,
    )
    of_clicks = [one for found in evidence.join() for one in verdicts.of_clicks(found)]
    of_results = [one for found in verdicts.of(evidence) for one in found]
    return Audited(of_results + of_clicks, summary)
