"""The topics of the ledger of rewards, read as an audit reads them: one partition after the other."""

from collections.abc import Callable
from contextlib import aclosing
from typing import Any, Final

import msgspec
import orjson
from aiokafka import TopicPartition

from processors.audit.model.rewards import Document
from processors.audit.rewards import Caps, Difference, LedgerAudit, Policies, Summary
from processors.clock import epoch_ms
from processors.kafka.groups import group_offsets
from processors.kafka.reading import Span, TopicReader
from processors.progress import Progress
from processors.registry.reading import newest_records
from processors.settings import Settings
from schemas.reward_policy import RewardPolicy
from schemas.topics import REWARD_INNER, REWARD_INPUTS, REWARD_OUTPUTS, Topic, customer_key, split_key

_INPUTS: Final = tuple(topic for topic in REWARD_INPUTS if topic not in REWARD_INNER)
Tell = Callable[[Difference], None]


async def audit_rewards(
    settings: Settings, tell: Tell, progress: Progress, workspace: str | None = None
) -> Summary:
    """Hold every reward against the leads, sales and events that it comes of. ``tell`` hears of differences.

    Who decides may run meanwhile: customers of whom it had not read everything are left out. Keeps in memory
    what one partition holds, and a number for each reward under a cap. Raises ``NoBroker`` or
    ``KafkaRefused``.
    """
    summary, names = Summary(), settings.topics
    marks = await group_offsets(settings, settings.rewards_group)
    async with TopicReader(settings) as reader:
        # In this order: what was published by now comes of what there will be.
        spans = await reader.spans(REWARD_OUTPUTS)
        spans |= await reader.spans(REWARD_INPUTS)
        progress.expect(sum(span.end - span.begin for span in spans.values()))
        mine_alone = b"" if workspace is None else customer_key(workspace, "")
        policies = await _policies(settings)
        removed = {names[place.topic] for place, span in spans.items() if span.begin > 0}
        caps = Caps.of(await _claims(reader), policies, gone=Topic.REWARD_CLAIMS in removed)
        for partition in sorted({place.partition for place in spans}):
            audit = LedgerAudit(policies, caps, epoch_ms(), gone=bool(removed & set(_INPUTS)))
            mine = {place: span for place, span in spans.items() if place.partition == partition}
            async for record in _records(reader, mine):
                topic = names[record.topic]
                place = TopicPartition(record.topic, record.partition)
                settled = topic in REWARD_OUTPUTS or record.offset < marks.get(place, 0)
                if (record.key or b"").startswith(mine_alone):
                    audit.add(topic, record.key or b"", record.value, record.timestamp, settled=settled)
                progress.advance(1)
            for found in audit.verdicts(summary):
                tell(found)
    return summary


async def _records(reader: TopicReader, spans: dict[TopicPartition, Span]) -> Any:
    async for records in reader.records(spans):
        for record in records:
            yield record


async def _policies(settings: Settings) -> Policies:
    found: dict[tuple[str, str], Document] = {}
    async with aclosing(newest_records(settings, Topic.REWARD_POLICIES)) as records:
        async for record in records:
            whose = split_key(record.key or b"")
            try:
                policy = msgspec.json.decode(record.value or b"", type=RewardPolicy)
            except msgspec.DecodeError:
                found.pop(whose, None)
                continue
            found[whose] = _without_nulls(orjson.loads(msgspec.json.encode(policy)))
    return found


async def _claims(reader: TopicReader) -> list[Document]:
    """Each partition in its order: a cap lives in one of them."""
    spans = await reader.spans([Topic.REWARD_CLAIMS])
    return [orjson.loads(record.value) async for record in _records(reader, spans)]


def _without_nulls(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _without_nulls(value) for name, value in document.items() if value is not None}
    return [_without_nulls(one) for one in document] if isinstance(document, list) else document
