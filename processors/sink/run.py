"""Settings → a running sink."""

import asyncio
import logging
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from aiokafka.errors import KafkaError
from clickhouse_connect.driver.client import Client

from processors.clickhouse.connection import NoClickHouse, open_clickhouse
from processors.errors import ExitCode, LeadstreamError
from processors.garbage import collect_rarely
from processors.kafka.connection import told
from processors.settings import Settings
from processors.sink.loop import START_PATIENCE_S, NoTopics, Sink
from processors.sink.observing import serve_sink
from processors.sink.stats import Stats
from processors.sink.tables import TABLES
from processors.sink.writer import CannotStore, Writer

log = logging.getLogger(__name__)

# Less than the 30 s that orchestrators give a process to end: an insert under way is waited for.
_SILENCE_S: Final = 15
_RETRY_S: Final = 1.0

# It tells of every value that it cannot encode, with a stack trace; so does the writer, in one line.
logging.getLogger("clickhouse_connect.driver.transform").setLevel(logging.CRITICAL)


class SinkFailed(LeadstreamError):
    """Ends the process; ``str()`` names cause and remedy."""

    def __init__(self, message: str, exit_code: ExitCode) -> None:
        super().__init__(message)
        self.exit_code = exit_code


async def _connected(settings: Settings, stopping: asyncio.Event) -> Client | None:
    """A server that is restarting is waited for, so that no supervisor need start us again and again.

    None: we were told to stop meanwhile.
    """
    deadline = time.monotonic() + START_PATIENCE_S
    while not stopping.is_set():
        try:
            # In a thread: one that swallows packets holds it up for longer than a healthy loop stands still.
            return await asyncio.to_thread(open_clickhouse, settings, patience_s=_SILENCE_S)
        except NoClickHouse as error:
            if error.exit_code != ExitCode.UNAVAILABLE or time.monotonic() >= deadline:
                raise
            log.warning("waiting for ClickHouse", extra={"error": str(error)})
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _RETRY_S)
    return None


async def run_sink(settings: Settings) -> None:
    """Store results until SIGTERM or SIGINT, then finish the batch under way.

    Raises :class:`SinkFailed`, and ``NoClickHouse`` when it cannot be reached at start.
    """
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    stats, sinks = Stats(), list[Sink]()
    serve_sink(settings, stats, lambda: sinks[-1].lag.by_partition() if sinks else {})
    log.info("started")
    await store_until(settings, stopping, stats, sinks.append)
    log.info("stopped", extra={"records": stats.records, "batches": stats.batches})


async def store_until(
    settings: Settings,
    stopping: asyncio.Event,
    stats: Stats,
    began: Callable[[Sink], None] = lambda _: None,
) -> None:
    """Store results until told to stop, then finish the batch under way. Raises as :func:`run_sink` does.

    ``began`` is told of the sink, once ClickHouse is there.
    """
    client = await _connected(settings, stopping)
    if client is None:
        return
    try:

        def pausing(why: str) -> None:
            stats.waiting_because = why
            log.warning("ClickHouse does not take rows, trying again", extra={"because": why})

        writer = Writer(client, stopping, pausing, on_retry=stats.retry, on_resumed=stats.resumed)
        sink = Sink(settings, writer, stopping, stats)
        began(sink)
        try:
            stats.tables_there = await writer.check(TABLES)
            collect_rarely()
            await sink.run()
        except CannotStore as error:
            raise SinkFailed(
                f"{error}; run leadstream migrate, or mend the rights", ExitCode.MISCONFIGURED
            ) from error
        except KafkaError as error:
            raise told(error, settings.kafka_bootstrap) from error
        except NoTopics as error:
            raise SinkFailed(
                f"Kafka lacks {error}: run leadstream topics create; or, where brokers hold ACLs, let this"
                " user see them: leadstream acls",
                ExitCode.MISCONFIGURED,
            ) from error
    finally:
        client.close()
