"""When Kafka is asked about what is not in memory."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest
from aiokafka import TopicPartition

from processors.gateway.facts.following import Follower
from processors.gateway.facts.reading import Arrivals
from processors.gateway.facts.seeking import Seeker, Sought

_PLACE = TopicPartition("clicks", 0)
_WAITED = "click", "acme", "c1"


class Ends:
    """Topics that end somewhere, all of it in memory."""

    def __init__(self) -> None:
        self.end = 7
        self.asked = asyncio.Event()

    async def ends(self) -> Mapping[TopicPartition, int]:
        self.asked.set()
        return {_PLACE: self.end}

    async def reach(self, ends: Mapping[TopicPartition, int]) -> None:
        assert ends == {_PLACE: self.end}


def seeker(ends: Ends, arrivals: Arrivals | None = None) -> Seeker:
    return Seeker(cast(Follower, ends), arrivals or Arrivals())


def test_what_is_found_is_no_question_to_kafka() -> None:
    async def run() -> None:
        ends = Ends()

        async def look() -> str:
            await asyncio.sleep(0)
            return "found"

        assert await seeker(ends).seek(_WAITED, [_PLACE], look) == Sought("found", {})
        assert not ends.asked.is_set()

    asyncio.run(run())


def test_ends_are_those_after_the_first_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processors.gateway.facts.seeking.WAIT_S", 0.1)

    async def run() -> None:
        ends = Ends()

        async def look() -> None:
            ends.end = 9

        sought: Sought[Any] = await seeker(ends).seek(_WAITED, [_PLACE], look)
        assert sought == Sought(None, {_PLACE: 9})

    asyncio.run(run())


def test_a_look_that_lasts_does_not_keep_kafka_from_being_asked() -> None:
    async def run() -> None:
        ends = Ends()

        async def look() -> str:
            await ends.asked.wait()
            return "found"

        assert (await seeker(ends).seek(_WAITED, [_PLACE], look)).found == "found"

    asyncio.run(run())


def test_what_comes_meanwhile_is_looked_for_again() -> None:
    async def run() -> None:
        arrivals, looks = Arrivals(), 0

        async def look() -> int | None:
            nonlocal looks
            looks += 1
            arrivals.came(_WAITED)
            return looks if looks == 2 else None

        assert (await seeker(Ends(), arrivals).seek(_WAITED, [_PLACE], look)).found == 2

    asyncio.run(run())
