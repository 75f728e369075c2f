"""What of a workspace waits in the workers' state."""

from collections.abc import AsyncIterator, Callable, Sequence
from heapq import nsmallest
from typing import Final

from processors.attribution import click_join, customer_join
from processors.attribution.explanation import Waiting
from processors.attribution.facts import NewerState
from processors.attribution.waiting import waiting_at_customer, waiting_for_click
from processors.kafka.connection import KafkaRefused
from processors.people.traced import HeldEvents
from processors.settings import Settings
from processors.worker.looking import due_states
from processors.worker.processors import CLICKS_TABLE, CUSTOMERS_TABLE
from processors.worker.run import policy_of
from schemas.times import DAY_MS, rfc3339
from schemas.topics import split_key

MOST_KEPT: Final = 100_000
"""Events of either table that are kept while the rest is read: 100 MB and less."""
_SPARE_MS: Final = DAY_MS
"""For so long workers may stand still, and what they would have given up meanwhile is found."""


async def held_events(
    settings: Settings,
    workspace_id: str,
    now_ms: int,
    most: int,
    progress: Callable[[int, int], None],
    most_kept: int = MOST_KEPT,
) -> HeldEvents:
    """As of now. What waits was written when it began to wait: older changes of the state are not read.

    ``progress`` hears how much of a table is read, of how much. Raises ``NoBroker`` or ``KafkaRefused``.
    """
    policy = policy_of(settings)
    since_ms = now_ms - policy.hold_ms - _SPARE_MS

    def written(table: str) -> AsyncIterator[tuple[bytes, bytes | None]]:
        prefix = f"{workspace_id}:".encode()
        return due_states(settings, settings.worker_group, table, prefix, since_ms, progress)

    def for_click(_: bytes, state: bytes) -> Sequence[Waiting]:
        return waiting_for_click(click_join.load(state), policy)

    def at_customer(key: bytes, state: bytes) -> Sequence[Waiting]:
        return waiting_at_customer(split_key(key)[1], customer_join.load(state), policy)

    try:
        clicks, all_clicks = await _newest(written(CLICKS_TABLE), for_click, most_kept)
        customers, all_customers = await _newest(written(CUSTOMERS_TABLE), at_customer, most_kept)
    except NewerState as error:
        raise KafkaRefused(f"{error}: ask with the `leadstream` of that release") from error
    found = [one for part in (clicks, customers) for listed in part.values() for one in listed]
    reasons: dict[str, int] = {}
    for one in found:
        reasons[one.reason] = reasons.get(one.reason, 0) + 1
    return HeldEvents(
        as_of=rfc3339(now_ms),
        events=nsmallest(most, found, key=lambda one: (one.given_up_at, one.customer_external_id)),
        reasons=reasons,
        complete=all_clicks and all_customers,
    )


async def _newest(
    written: AsyncIterator[tuple[bytes, bytes | None]],
    waiting: Callable[[bytes, bytes], Sequence[Waiting]],
    most_kept: int,
) -> tuple[dict[bytes, Sequence[Waiting]], bool]:
    """By key; False: there was no room for some of them."""
    found: dict[bytes, Sequence[Waiting]] = {}
    kept, complete = 0, True
    async for key, state in written:
        kept -= len(found.pop(key, ()))
        listed = waiting(key, state) if state is not None else ()
        if kept + len(listed) > most_kept:
            complete = False
        elif listed:
            found[key] = listed
            kept += len(listed)
    return found, complete
