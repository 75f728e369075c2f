"""Records that no table takes → the topic ``dead-letters``."""

import logging
from typing import Final

from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import MessageSizeTooLargeError

from processors.settings import Settings
from schemas.dead_letters import dead_letter_headers
from schemas.reasons import DeadLetterReason
from schemas.topics import Topic

log = logging.getLogger(__name__)

_LARGEST: Final = 16 << 20


class Rejects:
    """A producer for dead letters: the record as it came, with headers that say why."""

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.topic(Topic.DEAD_LETTERS)
        self._producer = AIOKafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap,
            acks="all",
            enable_idempotence=True,
            max_request_size=_LARGEST,
        )

    async def start(self) -> None:
        """Raises ``KafkaConnectionError``."""
        await self._producer.start()

    async def stop(self) -> None:
        """Harmless when it was not started."""
        await self._producer.stop()

    async def send(self, record: ConsumerRecord, reason: DeadLetterReason, detail: str) -> bool:
        """Wait until the brokers have it. False: it is left where it is. Raises aiokafka's errors."""
        if record.topic == self._topic:
            # Another copy would be refused again, and so on.
            log.error(
                "a dead letter cannot be stored: partition %d, offset %d: %s",
                record.partition,
                record.offset,
                detail,
            )
            return False
        try:
            await self._producer.send_and_wait(
                self._topic,
                record.value,
                record.key,
                partition=record.partition,
                headers=list(dead_letter_headers(record, reason, detail)),
            )
        except MessageSizeTooLargeError:
            log.error(
                "too large for a dead letter: %s, partition %d, offset %d: %s",
                record.topic,
                record.partition,
                record.offset,
                detail,
            )
            return False
        return True
