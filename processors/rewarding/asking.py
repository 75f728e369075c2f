"""What is known of one customer's rewards, and saying something of them."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final
from uuid import uuid4

import orjson
from aiokafka import TopicPartition
from msgspec.json import Decoder

from processors.errors import CheckFailed
from processors.kafka.connection import KafkaRefused
from processors.kafka.placement import partition_for
from processors.kafka.reading import TopicReader
from processors.kafka.sending import EventSender
from processors.rewarding.customers import TABLE
from processors.rewards.explaining import Told, taken_back, told
from processors.rewards.state import NewerState, State, load
from processors.settings import Settings
from processors.worker.looking import stored_state
from schemas.decoding import Refused
from schemas.reward_decoding import decode_reward_event
from schemas.rewards import Reward, RewardRefusal
from schemas.topics import Topic, customer_key

_reward: Final = Decoder(Reward).decode
_refusal: Final = Decoder(RewardRefusal).decode


async def ledger_of(
    settings: Settings,
    workspace_id: str,
    customer: str,
    progress: Callable[[int, int], None] | None = None,
) -> State | None:
    """As of the last transaction of whoever decides. Raises ``NoBroker`` or ``KafkaRefused``."""
    key = customer_key(workspace_id, customer)
    stored = await stored_state(settings, settings.rewards_group, TABLE, key, progress)
    if stored is None or stored.state is None:
        return None
    try:
        return load(stored.state)
    except NewerState as error:
        raise KafkaRefused(f"{error}: ask with the `leadstream` of that release") from error


async def told_of(settings: Settings, workspace_id: str, customer: str, state: State) -> Told:
    """What was published of a customer beside ``state``: refusals, and rewards if one was taken back.

    Reads one partition of each topic. Raises ``NoBroker`` or ``KafkaRefused``.
    """
    key = customer_key(workspace_id, customer)
    rewards: list[Reward] = []
    async with TopicReader(settings) as reader:
        if any(taken_back(state, {})):
            rewards = [_reward(value) async for value in _values(reader, settings, Topic.REWARDS, key)]
        refusals = [_refusal(value) async for value in _values(reader, settings, Topic.REWARD_REFUSALS, key)]
    return told(rewards, refusals)


async def _values(reader: TopicReader, settings: Settings, topic: Topic, key: bytes) -> AsyncIterator[bytes]:
    """Of all records with this key, in their order."""
    spans = await reader.spans([topic])
    place = TopicPartition(settings.topic(topic), partition_for(key, len(spans)))
    async for records in reader.records({place: spans[place]}):
        for record in records:
            if record.key == key and record.value is not None:
                yield record.value


def event_of(said: Mapping[str, object], clock: Callable[[], int]) -> tuple[bytes, bytes, str]:
    """Key and value of an event that says this now, and its eventId: a new one, unless it is said.

    Raises ``CheckFailed`` for what no event may say.
    """
    now_ms = clock()
    document = {name: value for name, value in said.items() if value is not None}
    document = {"eventId": str(uuid4()), "timestamp": now_ms, **document}
    value = orjson.dumps(document)
    try:
        event, _ = decode_reward_event(value, now_ms, now_ms)
    except Refused as refused:
        raise CheckFailed(refused.detail) from None
    return event.topic_key(), value, event.event_id


async def send_event(settings: Settings, key: bytes, value: bytes) -> None:
    """Returns when it is acknowledged. Raises ``NoBroker`` or ``KafkaRefused``."""
    async with EventSender(settings) as sender:
        await sender.send(Topic.REWARD_EVENTS, key, value)
