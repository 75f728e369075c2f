"""What a sink has done since it started."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiokafka import TopicPartition

from processors.histogram import LONG_S, Histogram
from processors.sink.batch import Batch, TableBatch
from schemas.reasons import DeadLetterReason


def _by_table() -> defaultdict[str, Histogram]:
    return defaultdict(lambda: Histogram(LONG_S))


@dataclass
class Stats:
    """``lag``: records on the brokers that are not stored yet, as of the last batch; None before the first.

    ``stored_at``: the clock after that batch. ``waiting_because``: why ClickHouse takes no rows, if so.
    Counted once a batch by the main thread; any thread may read at any time.
    """

    records: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    batches: int = 0
    dead_letters: int = 0
    lag: int | None = None
    stored_at: float | None = None
    waiting_because: str | None = None

    #: Records by topic, dead letters by reason, what was tried again by the kind of its error.
    taken: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(DeadLetterReason, 0)))
    retries: Counter[str] = field(default_factory=Counter)
    #: By table: inserts; and from the time of a record until its row was acknowledged.
    insert_seconds: defaultdict[str, Histogram] = field(default_factory=_by_table)
    row_seconds: defaultdict[str, Histogram] = field(default_factory=_by_table)
    #: Partitions that are ours; None: no member of the group.
    assigned: frozenset[TopicPartition] | None = None
    rebalances: int = 0
    #: Has ClickHouse been seen to have every table?
    tables_there: bool = False
    #: Of each partition: the offset up to which everything is stored, and the time of the last record before.
    reached: Mapping[TopicPartition, int] = field(default_factory=dict)
    reached_ms: dict[TopicPartition, int] = field(default_factory=dict)

    @property
    def waiting(self) -> bool:
        """Does ClickHouse take no rows?"""
        return self.waiting_because is not None

    def stored(self, table: str, rows: int) -> None:
        """ClickHouse has acknowledged rows of a table."""
        self.rows[table] = self.rows.get(table, 0) + rows

    def resumed(self) -> None:
        """ClickHouse is not waited for any more."""
        self.waiting_because = None

    def inserted(self, batch: TableBatch, seconds: float, now_ms: int) -> None:
        """The rows of a table, in so many seconds."""
        table = batch.table.name
        self.insert_seconds[table].add(seconds)
        for first_ms, rows in batch.ages:
            if rows and first_ms >= 0:
                self.row_seconds[table].add(max(0, now_ms - first_ms) / 1000, rows)

    def committed(self, batch: Batch, now: float) -> None:
        """All of a batch is stored, and its offsets are committed."""
        self.records += batch.records
        self.batches += 1
        self.stored_at = now
        self.tables_there = True
        for place, records in batch.taken.items():
            self.taken[place.topic] += records
        self.reached_ms.update(batch.last_ms)

    def rejected(self, reason: DeadLetterReason) -> None:
        """A dead letter is written."""
        self.dead_letters += 1
        self.reasons[reason] += 1

    def retry(self, cause: str) -> None:
        """Something is tried again. ``cause``: the kind of its error, one of few."""
        self.retries[cause] += 1
