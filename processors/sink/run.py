"""Settings → a running sink."""

import asyncio
import logging
import signal

from aiokafka.errors import KafkaConnectionError

from processors.migrations import pending
from processors.settings import Settings
from processors.sink.client import MISCONFIGURED, UNAVAILABLE, connect
from processors.sink.loop import Sink
from processors.sink.writer import CannotStore, Writer

log = logging.getLogger(__name__)


class SinkFailed(Exception):
    """Ends the process with ``exit_code``; ``str()`` names cause and remedy."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


async def run_sink(settings: Settings) -> None:
    """Store results until SIGTERM or SIGINT, then finish the batch under way.

    Raises :class:`SinkFailed`, and ``NoClickHouse`` when it cannot be reached at start.
    """
    client = connect(settings.clickhouse_url.get_secret_value())
    try:
        if missing := pending(client):
            raise SinkFailed(f"the schema lacks {', '.join(missing)}: run leadstream migrate", MISCONFIGURED)
        stopping, loop = asyncio.Event(), asyncio.get_running_loop()
        sink = Sink(settings, Writer(client, stopping, _report), stopping)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        try:
            await sink.run()
        except CannotStore as error:
            raise SinkFailed(f"{error}; run leadstream migrate, or mend the rights", MISCONFIGURED) from error
        except KafkaConnectionError as error:
            raise SinkFailed(
                f"Kafka at {settings.kafka_bootstrap} cannot be reached: is it running, and is "
                "LEADSTREAM_KAFKA_BOOTSTRAP right?",
                UNAVAILABLE,
            ) from error
    finally:
        client.close()


def _report(why: str) -> None:
    log.warning("ClickHouse does not take rows, trying again: %s", why)
