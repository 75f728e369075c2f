"""Work that talks to Kafka, interrupted."""

import asyncio
import inspect
import os
import signal

import pytest

from processors.kafka.running import run_on_kafka


def test_what_is_interrupted_before_its_first_step_ends_without_a_word() -> None:
    async def work() -> None:
        raise AssertionError("it must not begin")

    class Interrupted(asyncio.DefaultEventLoopPolicy):
        def new_event_loop(self) -> asyncio.AbstractEventLoop:
            loop = super().new_event_loop()
            # As soon as it turns, and before any task does.
            loop.call_soon(os.kill, os.getpid(), signal.SIGINT)
            return loop

    policy = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(Interrupted())
    coroutine = work()
    try:
        with pytest.raises(KeyboardInterrupt):
            run_on_kafka(coroutine)
    finally:
        asyncio.set_event_loop_policy(policy)
    # Python would warn of it when it is gone.
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED
