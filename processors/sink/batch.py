"""What one round of the sink stores: rows by table, and the record that each came from."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord, TopicPartition

from processors.sink.broker_time import BrokerTime
from processors.sink.rows import Row, Unreadable
from processors.sink.tables import Table
from schemas.topics import SPECS


@dataclass
class TableBatch:
    """Rows of one table; ``records`` are those that the rows came from, one for one."""

    table: Table
    rows: list[Row] = field(default_factory=list)
    records: list[ConsumerRecord] = field(default_factory=list)
    #: Of each fetch: the time of its first record, and how many rows came of it.
    ages: list[tuple[int, int]] = field(default_factory=list)

    def persons(self) -> set[str]:
        """Our own ids of the customers in it."""
        return {person for row in self.rows for person in self.table.persons(row)}

    def drop(self, erased: Set[str]) -> None:
        """Without the rows of these customers."""
        persons = self.table.persons
        kept = [place for place, row in enumerate(self.rows) if erased.isdisjoint(persons(row))]
        self.rows = [self.rows[place] for place in kept]
        self.records = [self.records[place] for place in kept]


@dataclass
class Batch:
    """``refused``: records that are no result, and why. ``offsets``: where to go on after this batch.

    ``times`` is shared by all batches of a sink; ``metadata``: what of it goes with which of the offsets.
    """

    tables: dict[str, TableBatch] = field(default_factory=dict)
    refused: list[tuple[ConsumerRecord, Unreadable]] = field(default_factory=list)
    offsets: dict[TopicPartition, int] = field(default_factory=dict)
    times: BrokerTime = field(default_factory=BrokerTime)
    metadata: dict[TopicPartition, str] = field(default_factory=dict)
    #: How many records of each partition, and the time of the last one.
    taken: dict[TopicPartition, int] = field(default_factory=dict)
    last_ms: dict[TopicPartition, int] = field(default_factory=dict)
    records: int = 0
    bytes: int = 0

    def add(self, place: TopicPartition, tables: Sequence[Table], records: Sequence[ConsumerRecord]) -> None:
        """Records of one partition, in the order of their offsets."""
        if not records:
            return
        self.records += len(records)
        self.bytes += sum(max(record.serialized_value_size, 0) for record in records)
        self.offsets[place] = records[-1].offset + 1
        self.taken[place] = self.taken.get(place, 0) + len(records)
        self.last_ms[place] = records[-1].timestamp
        if SPECS[tables[0].topic].broker_time:
            records = self.times.steady(place, records)
            self.metadata[place] = self.times.metadata(place)
        for table in tables:
            self._add(table, records)

    def _add(self, table: Table, records: Sequence[ConsumerRecord]) -> None:
        batch = self.tables.setdefault(table.name, TableBatch(table))
        read, add_row, add_record = table.row, batch.rows.append, batch.records.append
        before = len(batch.rows)
        for record in records:
            try:
                row = read(record)
            except Exception as error:  # one record must not stop the others, whatever it meets
                self.refused.append((record, Unreadable(error)))
                continue
            if row is not None:
                add_row(row)
                add_record(record)
        batch.ages.append((records[0].timestamp, len(batch.rows) - before))

    def add_all(
        self,
        fetched: Mapping[TopicPartition, Sequence[ConsumerRecord]],
        tables: Mapping[str, Sequence[Table]],
    ) -> None:
        """A whole fetch; ``tables`` by full topic name."""
        for place, records in fetched.items():
            self.add(place, tables[place.topic], records)
