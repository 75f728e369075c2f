"""Before a worker joins its group: is every topic there, with the right number of partitions?

Joining with a wrong topic would do damage that is hard to undo: Faust's assignor leaves co-partitioning
silently when counts differ, and a key would meet the wrong store.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from aiokafka.protocol.metadata import MetadataRequest

from processors.engine.errors import TopicsMismatch
from processors.engine.placement import changelog_topic
from processors.engine.processor import Processor
from processors.engine.settings import EngineSettings
from processors.kafka.connection import NoBroker, told
from processors.kafka.connection.failures import NotAuthorised

REMEDY = "run: leadstream topics create"
_RETRY_S = 0.5


def needed_topics(settings: EngineSettings, processors: Sequence[Processor[Any, Any]]) -> dict[str, str]:
    """Topic -> what it is needed for."""
    needed: dict[str, str] = {}
    for job in processors:
        needed.update(dict.fromkeys(job.outputs, f"output of {job.table!r}"))
    for job in processors:
        needed.update(dict.fromkeys(job.topics, f"source of {job.table!r}"))
        needed[changelog_topic(settings.application_id, job.table)] = f"changelog of {job.table!r}"
    return needed


def mismatches(needed: dict[str, str], counts: dict[str, int], partitions: int) -> list[str]:
    """One line per topic that is not as it should be."""
    lines = []
    for topic, use in sorted(needed.items()):
        count = counts.get(topic, 0)
        if count != partitions:
            state = f"has {count} partitions" if count else "does not exist"
            lines.append(f"topic {topic!r} ({use}) {state}, needs {partitions}")
    return lines


async def check_topics(
    settings: EngineSettings, processors: Sequence[Processor[Any, Any]], patience_s: float = 30.0
) -> str | None:
    """The id of the cluster, if it has the topics.

    Raises :class:`TopicsMismatch`, ``KafkaRefused``, or ``NoBroker`` after ``patience_s`` without a broker.
    """
    needed = needed_topics(settings, processors)
    response = await _metadata(settings, needed, patience_s)
    hidden = [topic[1] for topic in response.topics if topic[0] == TopicAuthorizationFailedError.errno]
    if hidden:
        raise NotAuthorised(f"topic {', '.join(sorted(hidden))}")
    counts = {topic[1]: len(topic[-1]) for topic in response.topics if topic[0] == 0}
    wrong = mismatches(needed, counts, settings.partitions)
    if wrong:
        raise TopicsMismatch("; ".join(wrong) + f". {REMEDY}")
    return getattr(response, "cluster_id", None)


async def _metadata(settings: EngineSettings, topics: Iterable[str], patience_s: float) -> Any:
    give_up = time.monotonic() + patience_s
    # By name, so that those we may not see are told from those that are missing; which it must not create.
    request = MetadataRequest(sorted(topics), allow_auto_topic_creation=False)
    while True:
        client = settings.connection.client(client_id=settings.application_id)
        try:
            await client.bootstrap()
            return await client.send(client.get_random_node(), request)
        except (NoBroker, KafkaError, OSError) as exc:
            if time.monotonic() > give_up:
                raise told(exc, settings.connection.bootstrap) from exc
            await asyncio.sleep(_RETRY_S)
        finally:
            await client.close()
