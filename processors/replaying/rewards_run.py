"""The topics of two ledgers of rewards, read side by side, one partition after the other."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import orjson
from aiokafka import ConsumerRecord, TopicPartition

from processors.kafka.groups import group_offsets
from processors.kafka.reading import Span, TopicReader
from processors.progress import Progress
from processors.replaying.rewards import FACTS, Compared, Customer, Difference, Ledger
from processors.settings import Settings
from schemas.topics import REWARD_OUTPUTS, Topic, customer_key

Spans = Mapping[TopicPartition, Span]
_TOLD: Final = (*REWARD_OUTPUTS, Topic.REWARD_SHARES)
"""Under the keys of customers."""


@dataclass
class _Side:
    """One ledger. ``marks``: how far its processes have read. ``claims``: by customer and rewardId, the
    number of the last one.
    """

    reader: TopicReader
    topics: Mapping[str, Topic]
    marks: Mapping[TopicPartition, int]
    spans: Spans
    claims: Mapping[bytes, Mapping[str, int]]

    @classmethod
    async def of(cls, settings: Settings, reader: TopicReader) -> Self:
        marks = await group_offsets(settings, settings.rewards_group)
        spans, claims = await reader.spans(_TOLD), await reader.spans([Topic.REWARD_CLAIMS])
        return cls(reader, settings.topics, marks, spans, await _claims(reader, claims))

    def has_read(self, record: ConsumerRecord) -> bool:
        place = TopicPartition(record.topic, record.partition)
        return bool(record.offset < self.marks.get(place, 0))

    def add(self, ledger: Ledger, record: ConsumerRecord) -> None:
        """Of this customer. Raises what a record does that is none of ours."""
        told, topic = orjson.loads(record.value or b""), self.topics[record.topic]
        if topic is Topic.REWARDS:
            ledger.rewards[told["rewardId"]] = told
        elif topic is Topic.REWARD_REFUSALS:
            ledger.refusals[told["sourceId"]] = told
        else:
            ledger.answered[told["rewardId"]] = told["number"]
            ledger.behind |= not self.has_read(record)


async def compare(
    live: Settings, replay: Settings, tell: Callable[[Difference], None], progress: Progress
) -> Compared:
    """Every customer's rewards and refusals, by both ledgers. ``tell`` hears of all that is not the same.

    Both may go on meanwhile. Keeps in memory what one partition holds, and a number for each reward under a
    cap. Raises ``NoBroker`` or ``KafkaRefused``.
    """
    compared = Compared()
    async with TopicReader(live) as first, TopicReader(replay) as second:
        sides = await _Side.of(live, first), await _Side.of(replay, second)
        # After what was published: that comes of facts that are there by now.
        facts = await first.spans(FACTS)
        gone = any(span.begin for place, span in facts.items() if place.topic != live.topic(Topic.CUSTOMERS))
        everything = (facts, *(side.spans for side in sides))
        progress.expect(sum(span.end - span.begin for spans in everything for span in spans.values()))
        for partition in sorted({place.partition for spans in everything for place in spans}):
            known: defaultdict[bytes, Customer] = defaultdict(Customer)
            for number, side in enumerate(sides):
                async for record in _records(side.reader, side.spans, partition, progress):
                    side.add(known[record.key or b""].ledgers[number], record)
            async for record in _records(first, facts, partition, progress):
                _add_fact(known[record.key or b""], live.topics[record.topic], record, sides)
            for key, customer in known.items():
                for ledger, side in zip(customer.ledgers, sides, strict=True):
                    ledger.claimed = side.claims.get(key, {})
            for found in compared.add(known, gone=gone):
                tell(found)
    return compared


def _add_fact(customer: Customer, topic: Topic, record: ConsumerRecord, sides: Iterable[_Side]) -> None:
    for ledger, side in zip(customer.ledgers, sides, strict=True):
        ledger.behind |= not side.has_read(record)
    if topic in (Topic.LEADS, Topic.SALES):
        result: Any = _document(record)
        customer.sources.add(result.get("saleId") or result.get("leadId") or "")


def _document(record: ConsumerRecord) -> dict[str, Any]:
    """Of whatever is in a topic that others write to."""
    try:
        found = orjson.loads(record.value or b"")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


async def _claims(reader: TopicReader, spans: Spans) -> Mapping[bytes, Mapping[str, int]]:
    """Those that ask: what is given back is not answered."""
    found: defaultdict[bytes, dict[str, int]] = defaultdict(dict)
    async for records in reader.records(spans):
        for record in records:
            claim = orjson.loads(record.value or b"")
            of_customer = found[customer_key(claim["workspaceId"], claim["customerExternalId"])]
            if claim["amount"] > 0:
                of_customer[claim["rewardId"]] = claim["number"]
    return found


async def _records(
    reader: TopicReader, spans: Spans, partition: int, progress: Progress
) -> AsyncIterator[ConsumerRecord]:
    mine = {place: span for place, span in spans.items() if place.partition == partition}
    async for records in reader.records(mine):
        for record in records:
            yield record
        progress.advance(len(records))
