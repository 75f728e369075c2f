"""A replay beside the live system: settings of its own, and how far it has come."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from pydantic import ValidationError

from processors.errors import Misconfigured
from processors.kafka.groups import group_offsets, set_offsets
from processors.kafka.lag import LagReader
from processors.kafka.reading import TopicReader
from processors.settings import Settings
from schemas.topics import Topic

_POLL_S: Final = 0.5


def another(
    live: Settings, id_field: str, identity: str, prefix_field: str, prefix: str | None, result: Topic
) -> Settings:
    """The live settings but for the fields that name state and results.

    ``prefix`` None: the live one, the id and a dot. ``result``: what a second copy of would be read. Raises
    ``Misconfigured`` for what is the live system's, and ``ValueError`` for what the rules of the environment
    do not allow.
    """
    prefix = f"{live.topic_prefix}{identity}." if prefix is None else prefix
    if identity in (live.application_id, live.rewards_id, live.sink_group):
        raise Misconfigured(
            f"{identity} is the {_words(id_field)} of live processes",
            "Choose another one: theirs would only go on where they are.",
        )
    if result.on(prefix) == live.topic(result):
        raise Misconfigured(
            f"{prefix!r} is the prefix of the live topics",
            f"Choose another --{_option(prefix_field)}: readers of {result} would get a second copy.",
        )
    try:
        return Settings.model_validate({**live.model_dump(), id_field: identity, prefix_field: prefix})
    except ValidationError as error:
        wrong = "; ".join(f"--{_option(str(one['loc'][0]))}: {one['msg']}" for one in error.errors())
        raise ValueError(wrong) from None


def _option(field: str) -> str:
    return field.replace("_", "-")


def _words(field: str) -> str:
    return field.replace("_", " ")


async def start_at(replay: Settings, group: str, topics: Sequence[Topic], since_ms: int | None) -> bool:
    """Let the group begin at the first records of that time or later; None: at the very first.

    False: it was begun before, and goes on where it was. Raises ``NoBroker`` and ``KafkaRefused``.
    """
    if await group_offsets(replay, group):
        return False
    if since_ms is not None:
        async with TopicReader(replay) as reader:
            spans = await reader.spans(topics, since_ms)
        await set_offsets(replay, group, {place: span.begin for place, span in spans.items()})
    return True


async def until_read(
    replay: Settings,
    group: str,
    topics: Sequence[Topic],
    inner: Sequence[Topic],
    reach: Callable[[int, int], None],
) -> None:
    """Returns when the group has read all that was written by now to ``topics``, and what came of it to
    ``inner``. ``reach``: so many records of so many.

    The second round is for what was misplaced: it was sent on, behind the ends of the first. After a change
    of the number of partitions that is most of the events.
    """
    total = 0
    async with LagReader(replay) as reader:
        for _ in range(2):
            ends = await reader.ends(topics)
            left = sum((await reader.lag(group, topics, ends)).values())
            total += left
            while left or await reader.lag(group, inner):
                reach(total - left, total)
                await asyncio.sleep(_POLL_S)
                left = sum((await reader.lag(group, topics, ends)).values())
