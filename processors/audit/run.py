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
import errno
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import Final

import msgspec
from aiokafka import ConsumerRecord, TopicPartition
from clickhouse_connect.driver.client import Client
from msgspec import Struct
from msgspec.json import Decoder

from processors.audit.evidence import Evidence
from processors.audit.judging import Horizon, Verdict
from processors.audit.model.rules import ModelPolicy
from processors.audit.report import Summary
from processors.audit.results import KINDS, Kind
from processors.audit.rows import read_rows
from processors.audit.system import RESULTS, Advance, Marks, System, opened, shared_marks
from processors.audit.verdicts import Verdicts
from processors.clock import epoch_ms
from processors.errors import CannotWrite
from processors.settings import Settings
from schemas.topics import EVENT_TOPICS, SPECS, Topic

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}
_KIND_OF: Final = {kind.topic: kind for kind in KINDS}


class _Whose(Struct, frozen=True, rename="camel"):
    """As much of a record between the joins as an audit needs."""

    workspace_id: str
    customer_external_id: str


_whose: Final = Decoder(_Whose).decode


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
            self._evidence = Evidence(self._directory, records, self._now_ms, self._workspace)
            inputs = {self._settings.topic(topic) for topic in EVENT_TOPICS}
            worker = shared_marks([await one.worker_marks() for one in systems], inputs)
            sink = await system.sink_marks()
            if self._client is not None:
                await self._read_stored(self._client)
            for one in systems:
                await self._read_results(one, sink, advance, live=one is not system)
            await self._read_events(system, worker, advance)
            for one in systems:
                await self._read_touches(one, worker)
            self._horizons = _horizons(system, self._begun_ms)

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
        for _ in self._evidence.join():
            advance(1)
        verdicts = Verdicts(
            self._policy,
            self._horizons,
            self.summary,
            clickhouse=self._client is not None,
            beside=self._live is not None,
            since_ms=self._since_ms,
        )
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
        for kind in KINDS:
            for row in read_rows(client, kind, self._workspace):
                if stopping.is_set():
                    return
                self._evidence.add_row(kind, row)

    async def _read_results(self, system: System, sink: Marks, advance: Advance, *, live: bool) -> None:
        def add(topic: Topic, record: ConsumerRecord) -> None:
            behind = record.offset >= sink.get(TopicPartition(record.topic, record.partition), 0)
            place = f"{record.topic} {record.partition}:{record.offset}"
            self._evidence.add_result(
                _KIND_OF[topic], place, record.key, record.value, behind=behind, live=live
            )

        await system.each(RESULTS, add, advance)

    async def _read_events(self, system: System, worker: Marks, advance: Advance) -> None:
        def add(topic: Topic, record: ConsumerRecord) -> None:
            settled = record.offset < worker.get(TopicPartition(record.topic, record.partition), 0)
            self.summary.unprocessed += not settled
            self._evidence.inputs.add(topic, record.value, record.timestamp, settled=settled)

        await system.each(EVENT_TOPICS, add, advance)

    async def _read_touches(self, system: System, worker: Marks) -> None:
        async for record in system.beyond(Topic.TOUCHES, worker):
            try:
                whose = _whose(record.value or b"")
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue  # the worker will dead-letter it
            self._evidence.inputs.mark_unsettled(whose.workspace_id, whose.customer_external_id)


def _horizons(system: System, begun_ms: int | None) -> dict[Kind, Horizon]:
    gone_ms = system.gone_ms
    passed_over = [gone_ms[topic] for topic in EVENT_TOPICS if topic in gone_ms]
    inputs_ms = max([*passed_over, *([] if begun_ms is None else [begun_ms])], default=None)
    return {
        kind: Horizon(inputs_ms, None if SPECS[kind.topic].compacted else gone_ms.get(kind.topic))
        for kind in KINDS
    }
