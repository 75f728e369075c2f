"""The Faust application: what of Faust is used, and what is answered with "nothing to do".

Faust supplies worker, signals, settings, consumer thread, group membership, the co-partitioning assignor,
tables and their names. Not used: agents, streams, acks, commits, its producer buffer, and its recovery;
:meth:`EngineApp.resume` does the rest of what that service does after a rebalance.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import faust
import mode.loop

from processors.clock import boottime
from processors.engine.effects import Effects
from processors.engine.errors import Unexpected
from processors.engine.exits import die, leave
from processors.engine.intake import Intake
from processors.engine.kafka import private
from processors.engine.kafka.consumer import BatchConsumer
from processors.engine.kafka.restore import Changelogs
from processors.engine.kafka.tables import FAUST_LOG, EngineTable, EngineTables
from processors.engine.kafka.transport import BatchTransport
from processors.engine.loop import Engine
from processors.engine.placement import changelog_topic
from processors.engine.processor import Processor
from processors.engine.settings import EngineSettings
from processors.engine.standing import Standing, standing
from processors.engine.stats import Stats
from processors.engine.steps import OnStep, ignore

#: Less than the 30 s that orchestrators give a process to end, more than any batch takes.
_STOP_S = 10.0


class EngineApp(faust.App):  # type: ignore[misc]
    """A Faust app whose events go through :class:`.loop.Engine`; it alone knows who works with whom.

    Made by :func:`create_app`.
    """

    logger = FAUST_LOG

    consumer: BatchConsumer

    def __init__(
        self,
        settings: EngineSettings,
        processors: Sequence[Processor[Any, Any]],
        on_step: OnStep,
        on_batch: Callable[[Stats], None] | None,
        on_commit: Callable[[Effects], None] | None,
    ) -> None:
        super().__init__(settings.application_id, loop=_event_loop(), **_faust_settings(settings))
        self.settings = settings
        self.processors = tuple(processors)
        self.sources = frozenset(topic for job in processors for topic in job.topics)
        self.inner = frozenset(topic for job in processors for topic in job.inner)
        #: What others read.
        self.published = frozenset(topic for job in processors for topic in job.outputs) - self.sources
        #: Every topic we may write to; a misplaced event goes on to a source.
        self.targets = (
            self.sources
            | self.published
            | {changelog_topic(settings.application_id, job.table) for job in processors}
        )
        for job in processors:
            self.Table(
                job.table,
                partitions=settings.partitions,
                key_type=bytes,
                value_type=bytes,
                options={"retention_ms": job.retention_ms},
            )
        for topic in self.sources:  # subscribes without an agent
            self.topics.add(self.topic(topic, key_type=bytes, value_type=bytes))
        #: Live counters.
        self.stats = Stats()
        self.intake = Intake(settings.max_buffer, self.inner, self.stats)
        self.engine = Engine(
            settings,
            self.processors,
            group=self.consumer,
            producer=lambda: private.producer_of(self.producer),
            intake=self.intake,
            restore=Changelogs(settings, self.stats),
            stats=self.stats,
            on_step=on_step,
            on_batch=on_batch,
            on_commit=on_commit,
        )
        #: When the consumer's thread last turned, by :func:`boottime`; None: it has not begun.
        self.consumer_turned: float | None = None

    def standing(self) -> Standing:
        """How things are now. From any thread; does not block."""
        return standing(self.engine.generations.current, self.consumer.end_of)

    def owned_partitions(self, assigned: Any) -> frozenset[int]:
        """Partitions of which we have every source topic; it is an error to have only some."""
        partitions = {tp.partition for tp in assigned if tp.topic in self.sources}
        have = {(tp.topic, tp.partition) for tp in assigned}
        apart = [(t, p) for p in sorted(partitions) for t in sorted(self.sources) if (t, p) not in have]
        if apart:
            die(
                Unexpected(
                    f"co-partitioning is broken, not assigned: {apart[:5]}. Workers with different topics"
                    " cannot share a group: stop all workers before a change of topics"
                )
            )
        return frozenset(partitions)

    async def resume(self, assigned: Any, generation_id: int) -> None:
        """The end of a rebalance: let fetches flow. The engine accepts them when its state is restored."""
        if self.should_stop or self.consumer_generation_id != generation_id:
            return  # another rebalance is on its way and will end here
        self.consumer.resume_partitions(assigned)
        self.flow_control.resume()
        self.consumer.resume_flow()
        await self._fetcher.maybe_start()
        self.tables.on_actives_ready()
        self.tables.on_standbys_ready()
        self.on_rebalance_end()

    async def on_stop(self) -> None:
        """Faust ends the batch in flight, then closes the stores."""
        # ...unless it hangs: the broker is away, or a rebalance is under way.
        self.loop.call_later(_STOP_S, leave)
        await super().on_stop()
        await self.engine.stop()

    def on_rebalance_start(self) -> None:
        """Called in the consumer thread, as early as possible."""
        super().on_rebalance_start()
        self.consumer.rebalancing_since = boottime()

    def on_rebalance_end(self) -> None:
        """Called in the main thread."""
        super().on_rebalance_end()
        if self.consumer.rebalancing_since is not None:
            self.stats.rebalance_seconds.add(boottime() - self.consumer.rebalancing_since)
        self.consumer.rebalancing_since = None

    def _crash(self, reason: BaseException) -> None:
        """The failure of any service arrives here. On the way out it no longer matters."""
        if not self.should_stop:
            die(reason)
        super()._crash(reason)

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_producer, self)


def _event_loop() -> asyncio.AbstractEventLoop:
    """One loop for all of Faust's services, several of which bind theirs when the app is made.

    uvloop's, as is that of the consumer thread: a batch is some dozen turns of the loop, whatever is in it.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        mode.loop.use("uvloop")
        private.notice_lost_connections()
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        return loop


def _faust_settings(settings: EngineSettings) -> dict[str, Any]:
    """Faust's settings. Its own ``exactly_once`` stays off: it leaves outputs out of the transaction."""
    return {
        **settings.connection.of_faust(),
        "datadir": settings.data_dir / "faust",
        "store": "memory://",  # never used: EngineTable brings its own
        "Table": EngineTable,
        "TableManager": EngineTables,
        "web_enabled": False,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "topic_partitions": settings.partitions,
        "key_serializer": "raw",
        "value_serializer": "raw",
        "consumer_auto_offset_reset": "earliest",
        "consumer_group_instance_id": settings.instance_id,
        "consumer_max_fetch_size": 1 << 20,
        "table_standby_replicas": 0,
        "stream_wait_empty": True,  # the hook by which a rebalance waits for the batch in flight
        "stream_recovery_delay": 0.0,
        "broker_commit_interval": 60.0,
        "broker_session_timeout": settings.session_timeout_s,
        "broker_heartbeat_interval": settings.session_timeout_s / 6,
        "broker_rebalance_timeout": settings.rebalance_timeout_s,
        "broker_request_timeout": settings.request_timeout_s,
        "producer_linger": 0.0,  # the engine batches
        "producer_max_batch_size": 512 << 10,
        "producer_acks": -1,
        # A request that outlasted its transaction would be answered by a fence.
        "producer_request_timeout": min(10.0, settings.transaction_timeout_s),
        "producer_compression_type": settings.compression,
    }


def create_app(
    settings: EngineSettings,
    processors: Sequence[Processor[Any, Any]],
    on_step: OnStep = ignore,
    on_batch: Callable[[Stats], None] | None = None,
    on_commit: Callable[[Effects], None] | None = None,
) -> EngineApp:
    """The application, not yet started. ``on_batch`` is called with the live counters after every batch,
    ``on_commit`` with what a batch has made true.

    Raises ValueError if two processors share a table or a source topic.
    """
    tables = [job.table for job in processors]
    topics = [topic for job in processors for topic in job.topics]
    if not processors or len(set(tables)) != len(tables) or len(set(topics)) != len(topics):
        raise ValueError("every processor needs a table and source topics of its own")
    return EngineApp(settings, processors, on_step, on_batch, on_commit)
