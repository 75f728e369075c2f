"""How soon the topics are fetched again."""

import asyncio

from processors.gateway.facts.pacing import Pace

NEVER_S = 3600.0


async def test_while_nobody_waits_there_is_time() -> None:
    pace = Pace(soon_s=0.0, leisure_s=NEVER_S)
    resting = asyncio.create_task(pace.rest())
    await asyncio.wait([resting], timeout=0.05)
    assert not resting.done()
    resting.cancel()


async def test_whoever_begins_to_wait_ends_the_rest() -> None:
    pace = Pace(soon_s=0.0, leisure_s=NEVER_S)
    resting = asyncio.create_task(pace.rest())
    await asyncio.wait([resting], timeout=0.05)
    with pace.hurried():
        await asyncio.wait_for(resting, 30)


async def test_as_long_as_anybody_waits_rests_are_short() -> None:
    pace = Pace(soon_s=0.0, leisure_s=NEVER_S)
    with pace.hurried():
        with pace.hurried():
            await asyncio.wait_for(pace.rest(), 30)
        await asyncio.wait_for(pace.rest(), 30)
    resting = asyncio.create_task(pace.rest())
    await asyncio.wait([resting], timeout=0.05)
    assert not resting.done()
    resting.cancel()


async def test_a_rest_ends_by_itself() -> None:
    await asyncio.wait_for(Pace(soon_s=0.0, leisure_s=0.01).rest(), 30)
