"""What the workers hold of a person."""

from collections.abc import Callable
from dataclasses import dataclass

from aiokafka.errors import KafkaError

from processors.attribution.customer_join import CustomerState, load
from processors.attribution.facts import NewerState
from processors.engine.kafka.lookup import look_up
from processors.engine.placement import changelog_topic
from processors.kafka.connecting import connection_of
from processors.kafka.connection import KafkaRefused, told
from processors.kafka.connection.failures import NoSuchTopic
from processors.kafka.topics import partition_counts
from processors.people.identity import Person
from processors.settings import Settings
from processors.worker.processors import CUSTOMERS_TABLE


@dataclass(frozen=True)
class HeldState:
    """The customer's state as of the record at ``offset``; None: there is none, or no longer."""

    state: CustomerState | None
    topic: str = ""
    partition: int = 0
    offset: int = 0
    written_ms: int = 0


async def held_state(
    settings: Settings, person: Person, progress: Callable[[int, int], None] | None = None
) -> HeldState:
    """From the changelog of the customers' table. Raises ``NoBroker`` or ``KafkaRefused``."""
    topic = changelog_topic(settings.worker_group, CUSTOMERS_TABLE)
    # As many as there are, whatever the settings of this process say.
    partitions = (await partition_counts(settings)).get(topic, 0)
    if not partitions:
        raise NoSuchTopic(topic)
    try:
        stored = await look_up(
            connection_of(settings),
            settings.worker_group,
            CUSTOMERS_TABLE,
            person.key,
            partitions,
            progress,
        )
    except (KafkaError, OSError) as error:
        raise told(error, settings.kafka_bootstrap) from error
    if stored is None:
        return HeldState(None)
    try:
        state = None if stored.state is None else load(stored.state)
    except NewerState as error:
        raise KafkaRefused(f"{error}: ask with the `leadstream` of that release") from error
    return HeldState(state, stored.topic, stored.partition, stored.offset, stored.written_ms)
