"""Records that no table takes → the topic ``dead-letters``."""

import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from aiokafka import ConsumerRecord
from aiokafka.errors import MessageSizeTooLargeError

from processors.kafka.connecting import connection_of
from processors.settings import Settings
from processors.sink.rows import Unreadable
from schemas.dead_letters import LARGEST_KEPT, DeadLetter, dead_letter
from schemas.reasons import DeadLetterReason
from schemas.topics import RESULT_BYTES, Topic

log = logging.getLogger(__name__)

_MOST_FAILURES: Final = 10
_HOUR_S: Final = 3_600.0


class Failures:
    """Records on which our own code failed. A few are passed over; of many, it is not the records' fault."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._at: deque[float] = deque(maxlen=_MOST_FAILURES)

    def count(self, record: ConsumerRecord, unreadable: Unreadable) -> None:
        """Raises ``unreadable`` when there were too many of them within an hour."""
        keys = {**_keys(record), "error": type(unreadable.__cause__).__name__}
        now = self._clock()
        if len(self._at) == _MOST_FAILURES and now - self._at[0] < _HOUR_S:
            log.error("too many records an hour fail", extra={"most": _MOST_FAILURES, **keys})
            raise unreadable
        self._at.append(now)
        log.error("no row can be made of a record", extra=keys)


def _keys(record: ConsumerRecord) -> dict[str, object]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}


class Rejects:
    """A producer for dead letters: see :func:`schemas.dead_letters.dead_letter`."""

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.topic(Topic.DEAD_LETTERS)
        self._producer = connection_of(settings).producer(
            acks="all",
            enable_idempotence=True,
            max_request_size=RESULT_BYTES,
        )

    async def start(self) -> None:
        """Raises ``NoBroker`` and ``KafkaRefused``."""
        await self._producer.start()

    async def stop(self) -> None:
        """Harmless when it was not started."""
        await self._producer.stop()

    async def send(self, record: ConsumerRecord, reason: DeadLetterReason, detail: str) -> bool:
        """Wait until the brokers have it. False: it is left where it is. Raises aiokafka's errors."""
        if record.topic == self._topic:
            # Another copy would be refused again, and so on.
            log.error("a dead letter cannot be stored", extra={**_keys(record), "reason": reason.value})
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
