"""A producer that works.

An idempotent producer of aiokafka tries a batch again until a broker takes it, however long that lasts, and
none is written twice. What ends it is an answer that no retry mends. The numbers of the batches after it have
a gap then, and the broker refuses them all: that producer is of no use any more, and another one with an
identity of its own takes its place. Meanwhile the old one delivers what it still can.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from processors.errors import LeadstreamError
from processors.kafka.connecting import connection_of
from processors.kafka.connection import told
from processors.settings import Settings

log = logging.getLogger(__name__)

BATCH_BYTES: Final = 256 * 1024
_REQUEST_S: Final = 5.0
"""A broker that has not answered by then is asked anew, on another connection."""
_PAUSE_S: Final = 0.5
_CLOSE_S: Final = 2.0


class Producing:
    """``made``: how many producers it took. For one task at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._retired: dict[AIOKafkaProducer, asyncio.Task[None]] = {}
        self._next_at = 0.0
        self.made = 0

    async def open(self) -> None:
        """Raises ``NoBroker`` or ``KafkaRefused``."""
        producer = connection_of(self._settings).producer(
            client_id="leadstream-gateway",
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=int(_REQUEST_S * 1000),
            retry_backoff_ms=50,
        )
        try:
            await producer.start()
        except (KafkaError, OSError, LeadstreamError) as error:
            await producer.client.close()
            raise told(error, self._settings.kafka_bootstrap) from error
        self._producer = producer
        self._next_at = asyncio.get_running_loop().time() + _PAUSE_S
        self.made += 1

    async def ready(self) -> AIOKafkaProducer:
        """Waits for a broker until there is one."""
        while self._producer is None:
            # A refusal that has not passed would have one producer follow the other.
            await asyncio.sleep(max(0.0, self._next_at - asyncio.get_running_loop().time()))
            try:
                await self.open()
            except LeadstreamError as error:
                log.warning("cannot publish: %s", error)
                self._next_at = asyncio.get_running_loop().time() + _PAUSE_S
        return self._producer

    def retire(self, producer: AIOKafkaProducer, error: BaseException) -> None:
        """Let it deliver what it can, and use it no more."""
        if self._producer is producer:
            log.warning("a batch was refused, going on with another producer: %r", error)
            self._let_go(producer)

    def _let_go(self, producer: AIOKafkaProducer) -> None:
        self._producer = None
        task = asyncio.create_task(_stop(producer))
        self._retired[producer] = task
        task.add_done_callback(lambda _: self._retired.pop(producer))

    async def close(self) -> None:
        """Within a few seconds; what is not acknowledged by then may or may not be written."""
        if self._producer is not None:
            self._let_go(self._producer)
        retired = dict(self._retired)
        if retired:
            await asyncio.wait(retired.values(), timeout=_CLOSE_S)
        for producer, task in retired.items():
            # It would wait for ever for a broker that is gone.
            if task.cancel():
                await asyncio.wait([task])
            await producer.client.close()


async def _stop(producer: AIOKafkaProducer) -> None:
    # Nothing else of it is of interest: whoever waits for its batches is told by those.
    with suppress(KafkaError):
        await producer.stop()
