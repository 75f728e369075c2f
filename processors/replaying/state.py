"""All state and results from the events, by workers under another application id, beside the live ones."""

import asyncio
from collections.abc import Callable
from typing import Final

from pydantic import ValidationError

from processors.errors import Misconfigured
from processors.kafka.groups import group_offsets, set_offsets
from processors.kafka.lag import LagReader
from processors.kafka.reading import TopicReader
from processors.settings import Settings
from schemas.topics import WORKER_TOPICS, Topic

_POLL_S: Final = 0.5
_EVENTS: Final = tuple(topic for topic in WORKER_TOPICS if topic is not Topic.TOUCHES)


def beside(live: Settings, application_id: str, output_prefix: str | None) -> Settings:
    """The settings of the replay: the same events and rules, other state and other results.

    ``output_prefix`` None: the live one, the id and a dot. Raises ``Misconfigured`` for what is the live
    system's, and ``ValueError`` for what the rules of the environment do not allow.
    """
    prefix = f"{live.topic_prefix}{application_id}." if output_prefix is None else output_prefix
    if application_id == live.application_id:
        raise Misconfigured(
            f"{application_id} is the application id of the live workers",
            "Choose another one: theirs would only go on where they are.",
        )
    if prefix == (live.topic_prefix if live.output_prefix is None else live.output_prefix):
        raise Misconfigured(
            f"{prefix!r} is the prefix of the live topics",
            "Choose another --output-prefix: readers of leads would get a second copy.",
        )
    try:
        return Settings.model_validate(
            {**live.model_dump(), "application_id": application_id, "output_prefix": prefix}
        )
    except ValidationError as error:
        wrong = "; ".join(f"--{str(one['loc'][0]).replace('_', '-')}: {one['msg']}" for one in error.errors())
        raise ValueError(wrong) from None


async def start_at(replay: Settings, since_ms: int | None) -> bool:
    """Let the replay begin at the first records of that time or later; None: at the very first.

    False: it was begun before, and goes on where it was. Raises ``NoBroker`` and ``KafkaRefused``.
    """
    if await group_offsets(replay, replay.worker_group):
        return False
    if since_ms is not None:
        async with TopicReader(replay) as reader:
            spans = await reader.spans(_EVENTS, since_ms)
        await set_offsets(replay, replay.worker_group, {place: span.begin for place, span in spans.items()})
    return True


async def until_read(replay: Settings, reach: Callable[[int, int], None]) -> None:
    """Returns when the workers have read all that was written by now. ``reach``: so many events of so many.

    The second round is for what was misplaced: workers have sent it on, behind the ends of the first.

    After a change of the number of partitions that is most of the events.
    """
    total = 0
    async with LagReader(replay) as reader:
        for _ in range(2):
            ends = await reader.ends(_EVENTS)
            left = sum((await reader.lag(replay.worker_group, _EVENTS, ends)).values())
            total += left
            while left or await reader.lag(replay.worker_group, [Topic.TOUCHES]):
                reach(total - left, total)
                await asyncio.sleep(_POLL_S)
                left = sum((await reader.lag(replay.worker_group, _EVENTS, ends)).values())
