"""States of tables, as whoever owns their keys holds them now."""

from collections.abc import AsyncIterator, Callable

from processors.engine import frame
from processors.engine.kafka.lookup import Stored, look_up
from processors.engine.placement import changelog_topic
from processors.kafka.connecting import connection_of
from processors.kafka.connection import telling
from processors.kafka.connection.failures import NoSuchTopic
from processors.kafka.reading import TopicReader
from processors.kafka.topics import partition_counts
from processors.settings import Settings


async def stored_state(
    settings: Settings,
    application_id: str,
    table: str,
    key: bytes,
    progress: Callable[[int, int], None] | None = None,
) -> Stored | None:
    """From the changelog of the table. None: there never was one. Raises ``NoBroker`` or ``KafkaRefused``."""
    topic = changelog_topic(application_id, table)
    # As many as there are, whatever the settings of this process say.
    partitions = (await partition_counts(settings)).get(topic, 0)
    if not partitions:
        raise NoSuchTopic(topic)
    with telling(settings.kafka_bootstrap):
        return await look_up(connection_of(settings), application_id, table, key, partitions, progress)


async def due_states(
    settings: Settings,
    application_id: str,
    table: str,
    prefix: bytes,
    since_ms: int,
    progress: Callable[[int, int], None],
) -> AsyncIterator[tuple[bytes, bytes | None]]:
    """What was written since of keys that begin with ``prefix``: the state, if something of it is due one
    day, else None. Of one key the last one counts. ``progress`` hears how many records of how many have been
    read, about. Raises ``NoBroker`` or ``KafkaRefused``.
    """
    async with TopicReader(settings) as reader:
        spans = await reader.spans_of([changelog_topic(application_id, table)], since_ms)
        done, of = 0, sum(span.end - span.begin for span in spans.values())
        async for records in reader.records(spans):
            progress(done, of)
            done += len(records)
            for record in records:
                if record.key.startswith(prefix):
                    stored = record.value
                    is_due = stored is not None and frame.due_ms(stored) is not None
                    yield record.key, frame.body(stored) if is_due else None
