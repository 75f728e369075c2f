"""What ends a gateway: being asked to, or that it cannot follow its topics any more."""

import asyncio

import pytest

from processors.gateway.run import until_first


class Serving:
    """As ``listening.serve``: what is under way is finished."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self.finished = False

    async def __call__(self) -> None:
        await self._stopping.wait()
        await asyncio.sleep(0)
        self.finished = True


async def for_ever() -> None:
    await asyncio.Event().wait()


async def broken() -> None:
    await asyncio.sleep(0)
    raise LookupError("a bug")


async def test_whoever_is_asked_to_end_finishes_and_follows_no_longer() -> None:
    stopping = asyncio.Event()
    serving = Serving(stopping)
    following = asyncio.create_task(for_ever())
    asyncio.get_running_loop().call_soon(stopping.set)
    await until_first(serving(), asyncio.wait_for(following, None), stopping=stopping)
    assert serving.finished
    assert following.cancelled()


async def test_what_ends_a_follower_ends_the_process_after_requests_under_way() -> None:
    stopping = asyncio.Event()
    serving = Serving(stopping)
    with pytest.raises(LookupError, match="a bug"):
        await until_first(serving(), for_ever(), broken(), stopping=stopping)
    assert serving.finished
