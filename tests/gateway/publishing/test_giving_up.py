"""A batch that no broker takes."""

import asyncio

import pytest
from aiokafka import TopicPartition

from processors.gateway.answers import TryAgain
from processors.gateway.publishing.publisher import EventPublisher
from processors.gateway.publishing.queues import Waiting
from processors.settings import Settings
from schemas.routing import routed_of

_CLICK = b'{"type":"click","workspaceId":"acme","clickId":"c1"}'
_NOW_MS = 1_700_000_000_000
_PLACE = TopicPartition("clicks", 0)


def test_who_keeps_something_goes_on_and_who_publishes_is_told() -> None:
    async def run() -> None:
        publisher = EventPublisher(Settings(), lambda *_: None)
        routed = routed_of(_CLICK, _NOW_MS)
        loop = asyncio.get_running_loop()
        kept, published = (
            Waiting(
                *(_PLACE, routed.key, _CLICK, (), _NOW_MS, routed.event, routed.at_ms, loop.create_future()),
                kept=kept,
            )
            for kept in (True, False)
        )
        publisher._give_up(_PLACE, [kept, published])
        await kept.answer
        with pytest.raises(TryAgain):
            await published.answer
        assert publisher.dropped == 1

    asyncio.run(run())


def test_an_answered_call_is_let_go_long_before_others_are_late() -> None:
    """What stays for seconds is what the garbage collector looks through."""

    async def run() -> None:
        publisher = EventPublisher(Settings(), lambda *_: None)
        loop = publisher._loop = asyncio.get_running_loop()
        answered, waiting, late = (loop.create_future() for _ in range(3))
        answered.set_result(None)
        publisher._deadlines += [
            (loop.time() + 60, answered),
            (loop.time() - 1, late),
            (loop.time() + 60, waiting),
        ]
        publisher._sweep()
        with pytest.raises(TryAgain):
            await late
        assert [one for _, one in publisher._deadlines] == [waiting]
        assert publisher.late == 1

    asyncio.run(run())
