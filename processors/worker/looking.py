"""One state of a table, as whoever owns its key holds it now."""

from collections.abc import Callable

from processors.engine.kafka.lookup import Stored, look_up
from processors.engine.placement import changelog_topic
from processors.kafka.connecting import connection_of
from processors.kafka.connection import telling
from processors.kafka.connection.failures import NoSuchTopic
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
