"""Turns among tenants."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.gateway.turns import Turns

Let = Callable[[], None]


class Place:
    """Where ``most`` may be, ``most_of_one`` of a tenant. ``inside``: who is, in the order of coming."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self.turns = Turns(most, most_of_one)
        self.inside = list[str]()
        self.came = list[str]()

    def come(self, tenant: str) -> tuple[asyncio.Task[None], Let]:
        """What is to be called for it to go."""
        leave = asyncio.Event()
        return asyncio.ensure_future(self._stay(tenant, leave.wait)), leave.set

    async def _stay(self, tenant: str, leave: Callable[[], Awaitable[object]]) -> None:
        async with self.turns.turn(tenant):
            self.inside.append(tenant)
            self.came.append(tenant)
            try:
                await leave()
            finally:
                self.inside.remove(tenant)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@given(
    most=st.integers(1, 4),
    most_of_one=st.integers(1, 4),
    steps=st.lists(st.tuples(st.sampled_from(["come", "go", "cancel"]), st.integers(0, 3)), max_size=40),
)
def test_nobody_waits_for_nothing(most: int, most_of_one: int, steps: list[tuple[str, int]]) -> None:
    """No turn is lost and none is taken twice, whoever is cancelled when; all get theirs in the end."""
    asyncio.run(_walk(Place(most, most_of_one), most, most_of_one, steps))


async def _walk(place: Place, most: int, most_of_one: int, steps: list[tuple[str, int]]) -> None:
    there = list[tuple[str, asyncio.Task[None], Let]]()
    for step, number in steps:
        if step == "come":
            there.append((f"t{number}", *place.come(f"t{number}")))
        elif there:
            _, task, let = there.pop(number % len(there))
            let() if step == "go" else task.cancel()
            if number % 2:
                continue
        await settle()
        waiting = Counter(name for name, *_ in there) - Counter(place.inside)
        free = len(place.inside) < most
        assert len(place.inside) <= most
        assert max(Counter(place.inside).values(), default=0) <= most_of_one
        assert not any(free and place.inside.count(name) < most_of_one for name in waiting)
    for _, _, let in there:
        let()
    with suppress(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.gather(*(task for _, task, _ in there)), 5)
    assert place.inside == []


@pytest.mark.parametrize("before", [1, 50])
async def test_whoever_asks_without_end_is_waited_for_once(before: int) -> None:
    place = Place(1, 1)
    greedy = [place.come("greedy") for _ in range(before)]
    await settle()
    task, let = place.come("modest")
    await settle()
    assert place.inside == ["greedy"]
    greedy[0][1]()
    await settle()
    assert place.inside == ["modest"]
    for _, go in [*greedy, (task, let)]:
        go()
    await asyncio.gather(task, *(one for one, _ in greedy))


async def test_one_never_has_it_all() -> None:
    place = Place(3, 2)
    tasks = [place.come("greedy") for _ in range(10)]
    await settle()
    assert place.inside == ["greedy"] * 2
    tasks.append(place.come("modest"))
    await settle()
    assert sorted(place.inside) == ["greedy", "greedy", "modest"]
    for _, let in tasks:
        let()
    await asyncio.gather(*(task for task, _ in tasks))


async def test_those_who_wait_come_by_turns() -> None:
    place = Place(1, 1)
    tasks = [place.come(name) for name in ("a", "a", "a", "b", "b", "c")]
    await settle()
    for _, let in tasks:
        let()
    await asyncio.gather(*(task for task, _ in tasks))
    assert place.came == ["a", "b", "c", "a", "b", "a"]
