# ruff: noqa: SLF001 - the names are listed in engine/kafka/private.py
"""Failures of producers are told once.

When a producer is fenced, aiokafka gives the failure to whoever sent, and to a future of its own besides on
which most of the time nobody waits: asyncio then logs it with a stack trace, though it was dealt with.
"""

from typing import Any

from aiokafka.producer.message_accumulator import MessageBatch

_fail_as_aiokafka_does = MessageBatch.failure


def hear() -> None:
    """For every producer of this process. Idempotent."""
    MessageBatch.failure = _failure


def _failure(batch: Any, exception: BaseException) -> None:
    _fail_as_aiokafka_does(batch, exception)
    if batch._drain_waiter.done() and not batch._drain_waiter.cancelled():
        batch._drain_waiter.exception()
