"""Reads everything that an audit needs, in an order that lets the system go on meanwhile.

1. The **marks**: how far workers and sink have come. What they had read by then is in the results for good.
2. **ClickHouse**, before the topics: a row cannot be newer than they are.
3. The **results**. Those behind the sink's mark may be missing in ClickHouse.
4. The **events**, to their ends of now. Those behind the workers' marks may be in the results or not, and so
   may be the touches that were joined and not yet used: of their customers nothing is said.

Whatever is in the results came from events before their end at 4, so nothing that is still moving is mistaken
for a difference.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
from aiokafka import ConsumerRecord, TopicPartition
from clickhouse_connect.driver.client import Client
from msgspec.json import Decoder

from processors.audit.evidence import Evidence
from processors.audit.judging import Horizon, Verdict
from processors.audit.model.rules import ModelPolicy
from processors.audit.report import Summary
from processors.audit.results import KINDS, Kind
from processors.audit.rows import read_rows
from processors.audit.verdicts import Verdicts
from processors.settings import Settings
from processors.topics import Span, TopicReader
from processors.topics.groups import group_offsets, written_ends
from schemas.results import Touch
from schemas.topics import SPECS, Topic

EVENTS: Final = (
    Topic.CLICKS,
    Topic.DEFERRED_LEADS,
    Topic.QUALIFICATIONS,
    Topic.PURCHASES,
    Topic.ERASURES,
)
RESULTS: Final = tuple(kind.topic for kind in KINDS)
_KIND_OF: Final = {kind.topic: kind for kind in KINDS}

_decode_touch: Final = Decoder(Touch).decode

Advance = Callable[[int], None]
"""Told of so many more records that are done."""


class Audit:
    """One audit: :meth:`read`, then :meth:`verdicts`. ``client`` None: without ClickHouse.

    ``directory``: for what does not fit in memory. Methods raise ``NoBroker``, ``TopicsFailed``, the
    ClickHouse driver's errors, and ``OSError`` when the disk is full.
    """

    def __init__(
        self,
        settings: Settings,
        policy: ModelPolicy,
        client: Client | None,
        directory: Path,
        *,
        workspace: str | None = None,
        since_ms: int | None = None,
    ) -> None:
        self.summary = Summary()
        self._settings = settings
        self._policy = policy
        self._client = client
        self._directory = directory
        self._workspace = workspace
        self._since_ms = since_ms
        self._now_ms = time.time_ns() // 1_000_000
        self._gone_ms: dict[Topic, int] = {}

    async def read(self, started: Callable[[int], None], advance: Advance) -> None:
        """Everything. ``started`` is told how many records there are, about."""
        async with TopicReader(self._settings) as reader:
            spans = await reader.spans([*EVENTS, *RESULTS])
            records = sum(span.end - span.begin for span in spans.values())
            started(records)
            self._evidence = Evidence(self._directory, records, self._now_ms, self._workspace)
            worker = await group_offsets(self._settings, self._settings.worker_group)
            sink = await group_offsets(self._settings, self._settings.full_sink_group)
            if self._client is not None:
                await asyncio.to_thread(self._read_rows, self._client)
            await self._read_results(reader, sink, advance)
            await self._read_events(reader, worker, advance)
            await self._read_touches(reader, worker)

    @property
    def steps(self) -> int:
        """How many times :meth:`verdicts` tells of progress."""
        return 2 * self._evidence.buckets

    def verdicts(self, advance: Advance) -> Iterator[list[Verdict]]:
        """All that is to be said, little by little; ``summary`` is complete afterwards."""
        for _ in self._evidence.join():
            advance(1)
        verdicts = Verdicts(
            self._policy,
            self._horizons(),
            self.summary,
            clickhouse=self._client is not None,
            since_ms=self._since_ms,
        )
        for found in verdicts.of(self._evidence):
            yield found
            advance(1)

    def _read_rows(self, client: Client) -> None:
        for kind in KINDS:
            for row in read_rows(client, kind, self._workspace):
                self._evidence.add_row(kind, row)

    async def _read_results(
        self, reader: TopicReader, sink: Mapping[TopicPartition, int], advance: Advance
    ) -> None:
        def add(topic: Topic, record: ConsumerRecord) -> None:
            place = TopicPartition(record.topic, record.partition)
            behind = record.offset >= sink.get(place, 0)
            where = f"{record.topic} {record.partition}:{record.offset}"
            self._evidence.add_result(_KIND_OF[topic], where, record.key, record.value, behind=behind)

        await self._each(reader, await self._spans(reader, RESULTS), add, advance)

    async def _read_events(
        self, reader: TopicReader, worker: Mapping[TopicPartition, int], advance: Advance
    ) -> None:
        def add(topic: Topic, record: ConsumerRecord) -> None:
            settled = record.offset < worker.get(TopicPartition(record.topic, record.partition), 0)
            self.summary.unprocessed += not settled
            self._evidence.inputs.add(topic, record.value, record.timestamp, settled=settled)

        await self._each(reader, await self._spans(reader, EVENTS), add, advance)

    async def _read_touches(self, reader: TopicReader, worker: Mapping[TopicPartition, int]) -> None:
        spans = await self._spans(reader, [Topic.TOUCHES])
        left = {place: Span(max(span.begin, worker.get(place, 0)), span.end) for place, span in spans.items()}
        async for records in reader.records(left):
            for record in records:
                try:
                    touch = _decode_touch(record.value or b"")
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    continue  # the worker will dead-letter it
                self._evidence.inputs.mark_unsettled(touch.workspace_id, touch.customer_external_id)

    async def _spans(self, reader: TopicReader, topics: Iterable[Topic]) -> dict[TopicPartition, Span]:
        """To the end of what is written, decided or not: the marks may be ahead of their own transaction."""
        spans = await reader.spans(topics)
        ends = await written_ends(self._settings, spans)
        return {place: Span(span.begin, ends[place]) for place, span in spans.items()}

    async def _each(
        self,
        reader: TopicReader,
        spans: Mapping[TopicPartition, Span],
        add: Callable[[Topic, ConsumerRecord], None],
        advance: Advance,
    ) -> None:
        """Every record; remembers from when on the topics hold any, where some are gone."""
        names = {self._settings.topic(topic): topic for topic in Topic}
        gone = {place for place, span in spans.items() if span.begin > 0}
        async for records in reader.records(spans):
            topic = names[records[0].topic]
            place = TopicPartition(records[0].topic, records[0].partition)
            if place in gone:
                gone.remove(place)
                self._note_gone(topic, records[0].timestamp)
            for record in records:
                add(topic, record)
            advance(len(records))
        for place in gone:
            self._note_gone(names[place.topic], self._now_ms)

    def _note_gone(self, topic: Topic, first_ms: int) -> None:
        self._gone_ms[topic] = max(first_ms, self._gone_ms.get(topic, 0))

    def _horizons(self) -> dict[Kind, Horizon]:
        inputs = [self._gone_ms[topic] for topic in EVENTS if topic in self._gone_ms]
        inputs_ms = max(inputs, default=None)
        return {
            kind: Horizon(inputs_ms, None if SPECS[kind.topic].compacted else self._gone_ms.get(kind.topic))
            for kind in KINDS
        }
