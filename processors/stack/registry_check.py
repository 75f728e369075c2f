"""Do records of the registries lie where they are looked for?"""

from collections.abc import Iterable, Mapping

from aiokafka import ConsumerRecord

from processors.kafka.connection import KafkaRefused, NoBroker
from processors.kafka.placement import partition_for
from processors.kafka.reading import TopicReader
from processors.kafka.running import run_on_kafka
from processors.kafka.topics import partition_counts
from processors.settings import Settings
from processors.stack.check import Check
from schemas.topics import Topic

_NAME = "registries"
_LATEST = 1_000
"""Records of each partition that are looked at: what was written last."""


def check_registries(settings: Settings) -> Check:
    """A topic that was given more partitions holds two records of a key, in two of them."""
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


def placement_told(counts: Mapping[str, int], records: Iterable[ConsumerRecord]) -> Check:
    """``counts``: partitions by topic."""
    seen, misplaced = 0, dict[str, int]()
    for record in records:
        seen += 1
        # A key in the place of another number of partitions was written when the topic had that number.
        if partition_for(record.key or b"", counts[record.topic]) != record.partition:
            misplaced[record.topic] = misplaced.get(record.topic, 0) + 1
    if not misplaced:
        return Check(_NAME, True, f"{seen:,} records, each in its partition")
    found = "; ".join(
        f"{count:,} records of {topic} are in other partitions than {counts[topic]} of them would have"
        for topic, count in misplaced.items()
    )
    return Check(
        _NAME,
        False,
        f"{found}: partitions were added, or somebody else writes there",
        "Make the topic anew with as many partitions as it was created with, and import into it.",
    )
