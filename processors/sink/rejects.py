"""Records that no table takes → the topic ``dead-letters``."""

import logging

from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import MessageSizeTooLargeError

from processors.settings import Settings
from schemas.dead_letters import LARGEST_KEPT, DeadLetter, dead_letter
from schemas.reasons import DeadLetterReason
from schemas.topics import RESULT_BYTES, Topic

log = logging.getLogger(__name__)


class Rejects:
    """A producer for dead letters: see :func:`schemas.dead_letters.dead_letter`."""

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.topic(Topic.DEAD_LETTERS)
        self._producer = AIOKafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap,
            acks="all",
            enable_idempotence=True,
            max_request_size=RESULT_BYTES,
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
            await self._write(record, dead_letter(record, reason, detail, LARGEST_KEPT))
        except MessageSizeTooLargeError:
            # The topic takes less than it should. Key and value are left out, the record is not.
            await self._write(record, dead_letter(record, reason, detail, 0))
        return True

    async def _write(self, record: ConsumerRecord, letter: DeadLetter) -> None:
        await self._producer.send_and_wait(
            self._topic,
            letter.value,
            letter.key,
            partition=record.partition,
            headers=list(letter.headers),
        )
