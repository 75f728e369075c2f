"""Do records of the registries lie where they are looked for?"""

from collections.abc import Mapping, Sequence

from aiokafka import ConsumerRecord

from processors.kafka.connection import KafkaRefused, NoBroker
from processors.kafka.reading import TopicReader
from processors.kafka.running import run_on_kafka
from processors.kafka.topics import partition_counts
from processors.registry.elsewhere import Elsewhere
from processors.settings import Settings
from processors.stack.check import Check
from schemas.topics import Topic

_NAME = "registries"
_LATEST = 1_000
"""Records of each partition that are looked at: what was written last."""


def check_registries(settings: Settings) -> Check:
    """A topic that was given more partitions holds records where nobody would look for them by their keys."""
    topics = [settings.topic(topic) for topic in (Topic.WORKSPACES, Topic.LINKS)]

    async def read() -> tuple[dict[str, int], list[ConsumerRecord]]:
        counts = await partition_counts(settings)
        async with TopicReader(settings) as reader:
            return counts, [one for topic in topics for one in await reader.latest(topic, _LATEST)]

    try:
        counts, records = run_on_kafka(read())
    except (NoBroker, KafkaRefused) as error:
        return Check(_NAME, False, error.cause, error.remedy or "Run `leadstream doctor` again.")
    return placement_told(counts, records)


def placement_told(counts: Mapping[str, int], records: Sequence[ConsumerRecord]) -> Check:
    """``counts``: partitions by topic. ``records``: those of a partition in their order."""
    elsewhere = Elsewhere(counts)
    for record in records:
        elsewhere.heard(record)
    elsewhere.all_read()
    found = f"{len(records):,} records, each in its partition"
    if elsewhere:
        found = (
            f"{len(records):,} records, of which {len(elsewhere):,} lie where they were before partitions"
            " were added: the newest of a key counts, and goes to its place when it is written again"
        )
    return Check(_NAME, True, found)
