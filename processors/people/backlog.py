"""What the workers have not processed yet where events of a person come: until then an answer may change."""

from collections.abc import Iterable, Mapping

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from processors.attribution.customer_state import CustomerState
from processors.kafka.connection import NoBroker
from processors.kafka.lag import LagReader
from processors.kafka.placement import partition_for
from processors.kafka.topics import partition_counts
from processors.people.identity import Person
from processors.settings import Settings
from schemas.topics import Topic, click_key

_BY_CUSTOMER = (Topic.QUALIFICATIONS, Topic.PURCHASES, Topic.ERASURES, Topic.TOUCHES)


class Backlog:
    """Records that the workers had not processed at one moment, by partition, of the topics that matter."""

    def __init__(
        self, settings: Settings, lag: Mapping[TopicPartition, int], counts: Mapping[str, int]
    ) -> None:
        self._settings = settings
        self._lag = lag
        self._counts = counts

    def of(self, person: Person, state: CustomerState | None) -> dict[str, int]:
        """By topic, those among which an event of this person may be; empty: there was none.

        A lead event that names a click may lie in any partition of ``deferred-leads``. Of ``clicks``, the
        partitions of those that the person's events wait for.
        """
        clicks = [click_key(person.workspace_id, click_id) for click_id in (state.waiting if state else ())]
        found = {topic.value: self._under(topic, [person.key]) for topic in _BY_CUSTOMER}
        found[Topic.DEFERRED_LEADS.value] = self._in_all(Topic.DEFERRED_LEADS)
        found[Topic.CLICKS.value] = self._under(Topic.CLICKS, clicks)
        return {topic: records for topic, records in found.items() if records}

    def _under(self, topic: Topic, keys: Iterable[bytes]) -> int:
        name = self._settings.topic(topic)
        partitions = {partition_for(key, self._counts.get(name, 1)) for key in keys}
        return sum(self._lag.get(TopicPartition(name, one), 0) for one in partitions)

    def _in_all(self, topic: Topic) -> int:
        name = self._settings.topic(topic)
        return sum(records for place, records in self._lag.items() if place.topic == name)


async def read_backlog(settings: Settings) -> Backlog:
    """As of now: ask before reading a state, which then knows whatever is not in the backlog.

    Raises ``NoBroker`` or ``KafkaRefused``.
    """
    counts = await partition_counts(settings)
    try:
        async with LagReader(settings) as reader:
            lag = await reader.lag(settings.worker_group, (*_BY_CUSTOMER, Topic.DEFERRED_LEADS, Topic.CLICKS))
    except KafkaError as error:
        where = f"Kafka at {settings.kafka_bootstrap}"
        raise NoBroker(f"{where} does not say how far the workers are: {error}") from error
    return Backlog(settings, lag, counts)
