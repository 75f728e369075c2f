"""Running what talks to Kafka in an event loop of its own."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_on_kafka(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` to its end. Raises what it raises."""
    whole = _interruptible(work)
    try:
        return asyncio.run(whole)
    finally:
        # Interrupted before the loop has come to them, they would complain of never having been awaited.
        whole.close()
        work.close()


async def _interruptible(work: Coroutine[Any, Any, T]) -> T:
    """The client of Kafka swallows a cancellation now and then: Ctrl-C must not end in exit code 0."""
    task, result = asyncio.current_task(), await work
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
    return result
