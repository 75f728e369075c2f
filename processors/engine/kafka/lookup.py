"""One state, read from outside: the newest committed record of its key in the changelog.

A state is in its table when, and only when, it is in the changelog: so this is what the owner of the key
holds after its last transaction, whoever the owner is, and whether it is running or not. It costs reading one
partition of the changelog, which compaction keeps about as large as that partition of the table.
"""

from collections.abc import Callable
from dataclasses import dataclass

from aiokafka.structs import TopicPartition

from processors.engine import frame
from processors.engine.placement import changelog_topic
from processors.kafka.connection import KafkaConnection
from processors.kafka.placement import partition_for

_FETCH_BYTES = 4 << 20
_POLL_MS = 50


@dataclass(frozen=True)
class Stored:
    """A state as the processor dumped it, and where that record stands. ``state`` None: it was deleted."""

    state: bytes | None
    topic: str
    partition: int
    offset: int
    written_ms: int


async def look_up(
    connection: KafkaConnection,
    application_id: str,
    table: str,
    key: bytes,
    partitions: int,
    progress: Callable[[int, int], None] | None = None,
) -> Stored | None:
    """The state of ``key``; None when there never was one, or its deletion was compacted away.

    ``partitions``: of the changelog, which exists. ``progress`` hears how many offsets of how many have been
    read. Raises ``NoBroker``, ``KafkaRefused`` and aiokafka's errors.
    """
    place = TopicPartition(changelog_topic(application_id, table), partition_for(key, partitions))
    reader = connection.consumer(
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_partition_fetch_bytes=_FETCH_BYTES,
        fetch_max_wait_ms=_POLL_MS,
    )
    try:
        await reader.start()
        begin = (await reader.beginning_offsets([place]))[place]
        end = (await reader.end_offsets([place]))[place]
        reader.assign([place])
        reader.seek(place, begin)
        newest = None
        while (position := await reader.position(place)) < end:
            if progress is not None:
                progress(position - begin, end - begin)
            for record in (await reader.getmany(place, timeout_ms=_POLL_MS)).get(place, ()):
                if record.key == key:
                    newest = record
    finally:
        await reader.stop()
    if newest is None:
        return None
    state = None if newest.value is None else frame.body(newest.value)
    return Stored(state, place.topic, place.partition, newest.offset, newest.timestamp)
