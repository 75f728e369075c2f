"""What one round of the sink stores: rows by table, and the record that each came from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord, TopicPartition

from processors.sink.rows import Row, Unreadable
from processors.sink.tables import Table


@dataclass
class TableBatch:
    """Rows of one table."""

    table: Table
    rows: list[Row] = field(default_factory=list)
    records: list[ConsumerRecord] = field(default_factory=list)

    def token(self) -> str:
        """The same for the same records, another for any other set of them."""
        ranges: dict[int, tuple[int, int]] = {}
        for record in self.records:
            first, _ = ranges.get(record.partition, (record.offset, record.offset))
            ranges[record.partition] = first, record.offset
        spans = ",".join(f"{place}:{first}-{last}" for place, (first, last) in sorted(ranges.items()))
        return f"{self.table.name}:{spans}:{len(self.records)}"


@dataclass
class Batch:
    """``refused``: records that are no result, and why. ``offsets``: where to go on after this batch."""

    tables: dict[str, TableBatch] = field(default_factory=dict)
    refused: list[tuple[ConsumerRecord, Unreadable]] = field(default_factory=list)
    offsets: dict[TopicPartition, int] = field(default_factory=dict)
    records: int = 0

    def add(self, place: TopicPartition, table: Table, records: Iterable[ConsumerRecord]) -> None:
        """Records of one partition, in the order of their offsets."""
        batch = self.tables.setdefault(table.name, TableBatch(table))
        for record in records:
            self.records += 1
            self.offsets[place] = record.offset + 1
            try:
                row = table.row(record)
            except Unreadable as unreadable:
                self.refused.append((record, unreadable))
                continue
            if row is not None:
                batch.rows.append(row)
                batch.records.append(record)

    def add_all(
        self, fetched: Mapping[TopicPartition, list[ConsumerRecord]], tables: Mapping[str, Table]
    ) -> None:
        """A whole fetch; ``tables`` by full topic name."""
        for place, records in fetched.items():
            self.add(place, tables[place.topic], records)
