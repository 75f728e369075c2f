# ruff: noqa: SLF001 - this is the one module that may reach into other people's private parts
"""Every private name of faust, mode and aiokafka that the engine leans on, and the only code that touches
them, besides ``processors.kafka.header_names``, ``processors.kafka.groups``, ``bounded`` and ``heard`` of
``processors.kafka.connection``, and the methods that override or call one of their own class.

The dependencies are pinned exactly; ``tests/engine/kafka/test_private.py`` fails when a pin or a name moves.
Then read the new source at that place before changing :data:`VERSIONS`: the guards of this package were
written against what these names do, not against what they are called.
"""

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final, NamedTuple

import aiokafka
import faust
import mode
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer import fetcher as fetcher_module
from aiokafka.consumer import group_coordinator
from aiokafka.errors import ConsumerStoppedError, KafkaConnectionError
from aiokafka.producer import message_accumulator
from aiokafka.record import default_records, memory_records
from aiokafka.structs import TopicPartition
from faust.tables import TableManager
from faust.transport.consumer import Consumer as FaustConsumer
from faust.transport.consumer import ThreadDelegateConsumer
from faust.transport.drivers import aiokafka as driver

VERSIONS: Final[Mapping[str, str]] = {
    "faust-streaming": "0.15.3",
    "mode-streaming": "0.7.1",
    "aiokafka": "0.14.0",
    "rocksdict": "0.3.29",
}


class Name(NamedTuple):
    """A private name, and whether we call or read it, or override it."""

    owner: Any
    name: str
    use: str


NAMES: Final[tuple[Name, ...]] = (
    # faust: hooks overridden
    Name(faust.App, "_new_transport", "override"),
    Name(faust.App, "_new_producer_transport", "override"),
    Name(faust.App, "_fetcher", "read"),
    Name(FaustConsumer, "_drain_messages", "override"),
    Name(FaustConsumer, "_get_active_partitions", "call"),
    Name(ThreadDelegateConsumer, "_thread", "read"),
    Name(driver.Consumer, "_new_consumer_thread", "override"),
    Name(driver.AIOKafkaConsumerThread, "_consumer", "read"),
    Name(driver.AIOKafkaConsumerThread, "_create_worker_consumer", "override"),
    Name(driver.Producer, "_new_producer", "override"),
    Name(driver.Producer, "_producer", "read"),
    Name(TableManager, "_update_channels", "override"),
    Name(TableManager, "_tables_finalized", "read"),
    Name(TableManager, "_tables_registered", "read"),
    Name(faust.Table, "_new_store", "override"),
    # mode: a service's state, and the worker's slow good-bye
    Name(mode.Service, "_crash", "override"),
    Name(mode.Service, "_stopped", "read"),
    Name(mode.Worker, "_sentinel_task", "override"),
    Name(faust.Worker, "_setproctitle", "override"),
    # aiokafka, consuming
    Name(aiokafka.AIOKafkaConsumer, "_client", "read"),
    Name(aiokafka.AIOKafkaConsumer, "_closed", "read"),
    Name(aiokafka.AIOKafkaConsumer, "_coordinator", "read"),
    Name(aiokafka.AIOKafkaConsumer, "_fetch_max_wait_ms", "write"),
    Name(aiokafka.AIOKafkaConsumer, "_fetcher", "read"),
    Name(aiokafka.AIOKafkaConsumer, "_isolation_level", "write"),
    Name(group_coordinator.GroupCoordinator, "_send_req", "call"),
    Name(fetcher_module.Fetcher, "_closed", "read"),
    Name(fetcher_module.Fetcher, "_create_fetch_waiter", "call"),
    Name(fetcher_module.Fetcher, "_fetch_max_wait_ms", "write"),
    Name(fetcher_module.Fetcher, "_fetch_min_bytes", "write"),
    Name(fetcher_module.Fetcher, "_isolation_level", "write"),
    Name(fetcher_module.Fetcher, "_notify", "call"),
    Name(fetcher_module.Fetcher, "_records", "read"),
    Name(fetcher_module.Fetcher, "_subscriptions", "read"),
    Name(fetcher_module.Fetcher, "_wait_consume_future", "read"),
    Name(fetcher_module.FetchResult, "_partition_records", "read"),
    Name(fetcher_module.PartitionRecords, "_consumer_record", "override"),
    Name(AIOKafkaConnection, "send", "override"),
    # aiokafka, connecting: see processors/kafka/connection/bounded.py
    Name(AIOKafkaConnection, "connect", "override"),
    Name(AIOKafkaConnection, "close", "override"),
    Name(AIOKafkaConnection, "_writer", "read"),
    Name(AIOKafkaClient, "bootstrap", "override"),
    Name(AIOKafkaClient, "_conns", "write"),
    Name(AIOKafkaClient, "_md_synchronizer", "call"),
    Name(AIOKafkaClient, "_retry_backoff", "read"),
    Name(AIOKafkaClient, "_sync_task", "write"),
    Name(AIOKafkaClient, "_client_id", "read"),
    Name(AIOKafkaClient, "_connections_max_idle_ms", "read"),
    Name(AIOKafkaClient, "_request_timeout_ms", "read"),
    Name(AIOKafkaClient, "_sasl_mechanism", "read"),
    Name(AIOKafkaClient, "_sasl_plain_password", "read"),
    Name(AIOKafkaClient, "_sasl_plain_username", "read"),
    Name(AIOKafkaClient, "_security_protocol", "read"),
    Name(AIOKafkaClient, "_ssl_context", "read"),
    Name(AIOKafkaAdminClient, "_client", "read"),
    Name(AIOKafkaAdminClient, "_send_request", "override"),
    # aiokafka, failing: see processors/kafka/connection/heard.py
    Name(message_accumulator.MessageBatch, "failure", "override"),
    Name(message_accumulator.MessageBatch, "_drain_waiter", "read"),
    # aiokafka, asking for offsets: see processors/kafka/groups.py
    Name(AIOKafkaAdminClient, "_send_request", "call"),
    # aiokafka, parsing records: see processors/kafka/header_names.py
    Name(fetcher_module, "MemoryRecords", "write"),
    Name(fetcher_module, "PartitionRecords", "write"),
    Name(fetcher_module.PartitionRecords, "_check_crcs", "write"),
    Name(fetcher_module.PartitionRecords, "_records", "write"),
    Name(fetcher_module.PartitionRecords, "_unpack_records", "override"),
    Name(default_records, "_DefaultRecordBatchPy", "override"),
    Name(default_records._DefaultRecordBatchPy, "_buffer", "write"),
    Name(default_records._DefaultRecordBatchPy, "_maybe_uncompress", "override"),
    Name(memory_records, "_MemoryRecordsPy", "override"),
    Name(memory_records._MemoryRecordsPy, "_cache_next", "call"),
    Name(memory_records._MemoryRecordsPy, "_next_slice", "read"),
)


def missing_names() -> list[str]:
    """Names of :data:`NAMES` that are gone: neither an attribute of their owner nor set anywhere in its
    source.
    """
    return [
        f"{name.owner.__name__}.{name.name} ({name.use})"
        for name in NAMES
        if not hasattr(name.owner, name.name) and f"self.{name.name}" not in inspect.getsource(name.owner)
    ]


# --- the consumer thread


def kafka_consumer(thread: Any) -> Any:
    """The aiokafka consumer inside Faust's consumer thread; None before it started."""
    return thread._consumer


def thread_of(consumer: Any) -> Any:
    """The thread behind a Faust consumer."""
    return consumer._thread


def service_stopped(service: Any) -> bool:
    """Has this very service been told to stop (``should_stop`` also asks its parents)?"""
    return bool(service._stopped.is_set())


def member(kafka: Any) -> tuple[int, str]:
    """Live generation and member id. Generation -1: the coordinator has disowned us, or we never joined."""
    if kafka is None or kafka._coordinator is None:
        return -1, ""
    # Read the member first: a rejoin changes generation and member together, and a torn pair of an old member
    # with a new generation is refused by the coordinator, which is what should happen to it.
    member_id = kafka._coordinator.member_id
    return kafka._coordinator.generation, member_id


def group_coordinator_of(kafka: Any) -> Any:
    """The group membership of an aiokafka consumer."""
    return kafka._coordinator


async def coordinator_request(coordinator: Any, request: Any) -> Any:
    """Send to the group coordinator, which must be known."""
    return await coordinator._send_req(request)


def configure(kafka: Any, fetch_wait_ms: int) -> Any:
    """What Faust has no setting for. Before the consumer is started."""
    kafka._isolation_level = "read_committed"
    kafka._fetch_max_wait_ms = fetch_wait_ms
    return kafka


async def look_for_topics(kafka: Any) -> None:
    """Ask the brokers anew which topics there are; until they have answered, or have not."""
    await kafka._client.force_metadata_update()


def set_fetch_wait(kafka: Any, min_bytes: int, max_wait_ms: int) -> None:
    """How long the broker gathers for the fetches to come. May be called from any thread."""
    kafka._fetcher._fetch_min_bytes = min_bytes
    kafka._fetcher._fetch_max_wait_ms = max_wait_ms


class Fetches:
    """What aiokafka has fetched and nobody has taken, as ``Fetcher.fetched_records`` goes about it.

    For one taking; in the consumer thread.
    """

    __slots__ = ("_fetcher", "_kafka", "_subscriptions")

    def __init__(self, kafka: Any) -> None:
        self._kafka = kafka
        self._fetcher = kafka._fetcher
        self._subscriptions = kafka._fetcher._subscriptions

    def asking(self) -> AbstractContextManager[None]:
        """While records are asked for, the member counts as polling."""
        context: AbstractContextManager[None] = self._subscriptions.fetch_context()
        return context

    def check(self) -> None:
        """Raises what the coordinator has to say, or that the consumer was stopped."""
        if self._kafka._closed or self._fetcher._closed:
            raise ConsumerStoppedError
        self._kafka._coordinator.check_errors()

    async def assignment(self) -> None:
        """Until there is one."""
        if self._subscriptions.reassignment_in_progress:
            await self._subscriptions.wait_for_assignment()

    async def arrival(self) -> None:
        """Until something has been fetched. Raises what fetching has met with."""
        await self._fetcher._create_fetch_waiter()

    def __bool__(self) -> bool:
        return bool(self._fetcher._records)

    def of_partitions(self) -> list[tuple[TopicPartition, Any]]:
        """What is there, by partition: a result or an error."""
        return list(self._fetcher._records.items())

    def is_error(self, result: Any) -> bool:
        """Then ``check_raise()`` raises it."""
        return type(result) is not fetcher_module.FetchResult

    def forget(self, tp: TopicPartition) -> None:
        """It is not ours."""
        del self._fetcher._records[tp]

    def discard(self, tp: TopicPartition) -> None:
        """Nothing is left of it: the next may be fetched."""
        self.forget(tp)
        self._fetcher._notify(self._fetcher._wait_consume_future)

    def is_assigned(self, tp: TopicPartition) -> bool:
        """Is it ours?"""
        return bool(self._subscriptions.is_assigned(tp))

    def assigned(self) -> Iterable[TopicPartition]:
        """All that are ours."""
        assignment = self._subscriptions.subscription.assignment
        tps: Iterable[TopicPartition] = assignment.tps if assignment else ()
        return tps

    def state(self, tp: TopicPartition) -> Any:
        """Position, highwater and so on of one of them."""
        return self._subscriptions.subscription.assignment.state_value(tp)


def make_records_with(result: Any, make: Callable[[TopicPartition, Any], Any]) -> None:
    """Let a fetch result make its records with ``make``."""
    if result._partition_records is not None:
        result._partition_records._consumer_record = make


async def high_watermarks(kafka: Any, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """Ends of the logs, undecided transactions included; ``end_offsets()`` stops before those."""
    unisolated = copy.copy(kafka._fetcher)  # shares client and metadata, starts nothing
    unisolated._isolation_level = fetcher_module.READ_UNCOMMITTED
    ends: dict[TopicPartition, int] = await unisolated.end_offsets(list(tps), None)
    return ends


def notice_lost_connections() -> None:
    """For every connection of this process. Idempotent.

    On a socket that has just been reset uvloop's transport raises ``RuntimeError`` where aiokafka knows
    ``OSError``; not understood it would end the task that keeps the metadata fresh.
    """
    if AIOKafkaConnection.send is not _send:
        AIOKafkaConnection.send = _send


_send_as_aiokafka_does = AIOKafkaConnection.send


def _send(connection: Any, request: Any, expect_response: bool = True) -> Any:
    try:
        return _send_as_aiokafka_does(connection, request, expect_response)
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN, exc=error)
        raise KafkaConnectionError(
            f"Connection at {connection.host}:{connection.port} broken: {error}"
        ) from error


# --- producing


def producer_of(faust_producer: Any) -> Any:
    """The producer that Faust started."""
    return faust_producer._producer
