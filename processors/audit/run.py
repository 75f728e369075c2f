"""Reads everything that an audit needs, in an order that lets the system go on meanwhile.

1. The **marks**: how far workers and sink have come. What they had read by then is in the results for good.
2. **ClickHouse**, before the topics: a row cannot be newer than they are.
3. The **results**. Those behind the sink's mark may be missing in ClickHouse.
4. The **events**, to their ends of now. Those behind the workers' marks may be in the results or not, and so
   may be the touches that were joined and not yet used: of their customers nothing is said. Clicks behind the
   sink's mark may be missing in ClickHouse; one of which a report is behind it may be there twice.

Whatever is in the results came from events before their end at 4, so nothing that is still moving is mistaken
for a difference.
"""

import asyncio
import errno
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final

import msgspec
from aiokafka import ConsumerRecord, TopicPartition
from clickhouse_connect.driver.client import Client
from msgspec import Struct
from msgspec.json import Decoder

from processors.audit.clicks import CLICK_TABLES
from processors.audit.evidence import Evidence
from processors.audit.judging import Horizon
from processors.audit.model.rules import ModelPolicy
from processors.audit.report import Summary, Verdict
from processors.audit.results import KINDS, REVISION_COLUMNS, REVISIONS_VIEW, Kind
from processors.audit.rows import click_rows, read_rows, read_values
from processors.audit.system import RESULTS, Advance, Marks, System, opened, shared_marks
from processors.audit.verdicts import Verdicts
from processors.clock import epoch_ms
from processors.errors import CannotWrite
from processors.settings import Settings
from schemas.reasons import UnmatchedReason
from schemas.topics import EVENT_TOPICS, SPECS, Topic

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}
_KIND_OF: Final = {kind.topic: kind for kind in KINDS}


class _Whose(Struct, frozen=True, rename="camel"):
    """As much of a record between the joins as an audit needs."""

    workspace_id: str
    customer_external_id: str


class _Refused(Struct, frozen=True, rename="camel"):
    """As much of a report of an unmatched event as an audit needs."""

    workspace_id: str
    reason: str
    click_id: str | None = None


_whose: Final = Decoder(_Whose).decode
_refused: Final = Decoder(_Refused).decode
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@contextmanager
def work_directory(parent: Path | None) -> Iterator[Path]:
    """For an :class:`Audit`, removed afterwards. Raises ``CannotWrite``, also for what is raised within."""
    try:
        with tempfile.TemporaryDirectory(prefix="leadstream-audit-", dir=parent) as directory:
            yield Path(directory)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise CannotWrite(
            f"cannot write to {parent or tempfile.gettempdir()}: {error.strerror}",
            "Choose another directory with --work-dir.",
        ) from error


class Audit:
    """One audit: :meth:`read`, then :meth:`verdicts`.

    ``client`` None: without ClickHouse. ``directory``: for what does not fit in memory. ``live``: the system
    beside which ``settings`` describe a replay; their results are compared, too. ``begun_ms``: when a replay
    did not begin at the beginning. Methods raise ``NoBroker``, ``KafkaRefused``, the ClickHouse driver's
    errors, and ``OSError`` when the disk is full.
    """

    def __init__(
        self,
        settings: Settings,
        policy: ModelPolicy,
        client: Client | None,
        directory: Path,
        *,
        live: Settings | None = None,
        begun_ms: int | None = None,
        workspace: str | None = None,
        since_ms: int | None = None,
    ) -> None:
        self.summary = Summary()
        self._settings = settings
        self._policy = policy
        self._client = client
        self._directory = directory
        self._live = live
        self._begun_ms = begun_ms
        self._workspace = workspace
        self._since_ms = since_ms
        self._now_ms = epoch_ms()

    async def read(self, started: Callable[[int], None], advance: Advance) -> None:
        """Everything. ``started`` is told how many records there are, about."""
        async with AsyncExitStack() as stack:
            system = await stack.enter_async_context(opened(self._settings, self._now_ms))
            systems = [system]
            if self._live is not None:
                systems.append(await stack.enter_async_context(opened(self._live, self._now_ms)))
            records = await system.size(EVENT_TOPICS) + sum([await one.size(RESULTS) for one in systems])
            started(records)
            rows = 0
            if self._client is not None:
                rows = await asyncio.to_thread(click_rows, self._client, self._workspace)
            self._evidence = Evidence(self._directory, records + rows, self._now_ms, self._workspace)
            inputs = {self._settings.topic(topic) for topic in EVENT_TOPICS}
            worker = shared_marks([await one.worker_marks() for one in systems], inputs)
            sink = await system.sink_marks()
            if self._client is not None:
                await self._read_stored(self._client)
            for one in systems:
                await self._read_results(one, sink, advance, live=one is not system)
            await self._read_events(system, worker, sink, advance)
            for one in systems:
                await self._read_touches(one, worker)
            if self._client is not None:
                await self._read_conflicts(system, sink)
            self._horizons = _horizons(system, self._begun_ms)
            self._clicks_gone_ms = system.gone_ms.get(Topic.CLICKS)

    @property
    def others(self) -> set[str]:
        """Some of the workspaces whose events were left out."""
        return self._evidence.inputs.others

    @property
    def steps(self) -> int:
        """How many times :meth:`verdicts` tells of progress."""
        return 2 * self._evidence.buckets

    def verdicts(self, advance: Advance) -> Iterator[list[Verdict]]:
        """All that is to be said, little by little; ``summary`` is complete afterwards."""
        verdicts = Verdicts(
            self._policy,
            self._horizons,
            self.summary,
            clickhouse=self._client is not None,
            beside=self._live is not None,
            since_ms=self._since_ms,
            clicks_gone_ms=self._clicks_gone_ms,
        )
        for clicks in self._evidence.join():
            yield verdicts.of_clicks(clicks)
            advance(1)
        for found in verdicts.of(self._evidence):
            yield found
            advance(1)

    async def _read_stored(self, client: Client) -> None:
        """In a thread, which would go on alone when this is cancelled, with nobody to clean up behind it."""
        stopping = Event()
        try:
            await asyncio.to_thread(self._read_rows, client, stopping)
        finally:
            stopping.set()

    def _read_rows(self, client: Client, stopping: Event) -> None:
        for add in self._adding(client):
            if stopping.is_set():
                return
            add()

    def _adding(self, client: Client) -> Iterator[Callable[[], None]]:
        """Row by row, what adds it."""
        evidence, workspace = self._evidence, self._workspace
        for kind in KINDS:
            for row in read_rows(client, kind.view, kind.columns, workspace):
                yield partial(evidence.add_row, kind, row)
        for row in read_rows(client, REVISIONS_VIEW, REVISION_COLUMNS, workspace):
            yield partial(evidence.add_revision, row)
        for table in CLICK_TABLES:
            columns = {column: column for column in table.columns}
            for values in read_values(client, table.source, columns, workspace):
                yield partial(evidence.add_click, table, values)

    async def _read_results(self, system: System, sink: Marks, advance: Advance, *, live: bool) -> None:
        reached: dict[TopicPartition, int] = {}

        def add(topic: Topic, record: ConsumerRecord) -> None:
            partition = TopicPartition(record.topic, record.partition)
            behind = record.offset >= sink.get(partition, 0)
            # As the sink counts: no clock goes back.
            reached[partition] = at_ms = max(record.timestamp, reached.get(partition, 0))
            place = f"{record.topic} {record.partition}:{record.offset}"
            self._evidence.add_result(
                _KIND_OF[topic], place, record.key, record.value, at_ms=at_ms, behind=behind, live=live
            )

        await system.each(RESULTS, add, advance)

    async def _read_events(self, system: System, worker: Marks, sink: Marks, advance: Advance) -> None:
        def add(topic: Topic, record: ConsumerRecord) -> None:
            place = TopicPartition(record.topic, record.partition)
            settled = record.offset < worker.get(place, 0)
            behind = topic is Topic.CLICKS and record.offset >= sink.get(place, 0)
            self.summary.unprocessed += not settled
            self._evidence.inputs.add(topic, record.value, record.timestamp, settled=settled, behind=behind)

        await system.each(EVENT_TOPICS, add, advance)

    async def _read_touches(self, system: System, worker: Marks) -> None:
        async for record in system.beyond(Topic.TOUCHES, worker):
            try:
                whose = _whose(record.value or b"")
            except _UNREADABLE:
                continue  # the worker will dead-letter it
            self._evidence.inputs.mark_unsettled(whose.workspace_id, whose.customer_external_id)

    async def _read_conflicts(self, system: System, sink: Marks) -> None:
        """Of a click that does not count the sink deletes the row when it reads so."""
        async for record in system.beyond(Topic.UNMATCHED, sink):
            try:
                one = _refused(record.value or b"")
            except _UNREADABLE:
                continue
            if one.reason == UnmatchedReason.CLICK_CONFLICT and one.click_id:
                self._evidence.inputs.mark_behind(one.workspace_id, one.click_id)


def _horizons(system: System, begun_ms: int | None) -> dict[Kind, Horizon]:
    gone_ms = system.gone_ms
    passed_over = [gone_ms[topic] for topic in EVENT_TOPICS if topic in gone_ms]
    inputs_ms = max([*passed_over, *([] if begun_ms is None else [begun_ms])], default=None)
    return {
        kind: Horizon(inputs_ms, None if SPECS[kind.topic].compacted else gone_ms.get(kind.topic))
        for kind in KINDS
    }
