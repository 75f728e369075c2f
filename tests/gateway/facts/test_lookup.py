"""Questions that are gathered, and what is remembered of their answers."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import pytest

from processors.gateway.facts.older import Lookup, Pair
from processors.gateway.known import Uncertain

_ANN = ("acme", "ann")


def _asking(
    answer: Callable[[Sequence[Pair]], Mapping[Pair, int]],
) -> Callable[[Sequence[Pair]], "asyncio.Future[Mapping[Pair, int]]"]:
    async def ask(keys: Sequence[Pair]) -> Mapping[Pair, int]:
        return answer(keys)

    return lambda keys: asyncio.ensure_future(ask(keys))


def test_whatever_goes_wrong_is_told_to_those_who_wait() -> None:
    """Else they would wait until their patience ends, and take silence for an answer."""

    async def run() -> None:
        def broken(_: Sequence[Pair]) -> Mapping[Pair, int]:
            raise ValueError("a column that cannot be read")

        lookup = Lookup[int](_asking(broken))
        async with asyncio.timeout(5):
            with pytest.raises(Uncertain):
                await lookup.get(_ANN)
            with pytest.raises(Uncertain):
                await lookup.get(_ANN)

    asyncio.run(run())


def test_what_may_yet_change_is_asked_for_again() -> None:
    """Remembered, it would be taken for what ClickHouse says now."""

    async def run() -> None:
        answers = iter([1, 2, 10, 20])
        lookup = Lookup[int](
            _asking(lambda keys: dict.fromkeys(keys, next(answers))), lambda found: found > 9
        )
        assert [await lookup.get(_ANN) for _ in range(5)] == [1, 2, 10, 10, 10]
        assert lookup.cached(_ANN) == 10

    asyncio.run(run())
