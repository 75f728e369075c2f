"""What waits now for an event that it needs, and with which reason it is given up should that not come.

Decides nothing itself: it asks the joins what they would report at the end of time.
"""

from collections.abc import Iterable, Sequence

from processors.attribution import click_join, customer_join
from processors.attribution.click_join import ClickState
from processors.attribution.customer_join import CustomerState
from processors.attribution.explanation import Waiting
from processors.attribution.facts import Held
from processors.attribution.policy import Policy
from schemas.decoding import decode_accepted_lead_event
from schemas.news import GivenUp
from schemas.results import Source, Unmatched, UnmatchedSource
from schemas.times import rfc3339

_END_MS = 1 << 62


def waiting_for_click(state: ClickState, policy: Policy) -> Sequence[Waiting]:
    """Lead events that have come before their click."""
    _, given_up = click_join.expire(state, _END_MS, policy)
    arrived = _arrivals(state.held)
    found = []
    for one in given_up:
        assert isinstance(one, GivenUp)  # noqa: S101 - narrows: a click that expires says nothing else
        arrived_ms = arrived[_place(one.source)]
        # The event was valid when it arrived: its arrival is the clock, so that it still is.
        event, at_ms = decode_accepted_lead_event(bytes(one.event), one.source.timestamp, arrived_ms)
        found.append(
            Waiting(
                reason=one.reason,
                customer_external_id=one.customer_external_id,
                click_id=one.click_id,
                event_name=event.event_name,
                timestamp=rfc3339(at_ms),
                held_since=rfc3339(arrived_ms),
                given_up_at=rfc3339(arrived_ms + policy.hold_ms),
            )
        )
    return found


def waiting_at_customer(customer: str, state: CustomerState, policy: Policy) -> Sequence[Waiting]:
    """Requests without a touch, and purchases without a lead."""
    _, reports = customer_join.expire(state, _END_MS, policy)
    held = [*(one.held for one in state.requests), *(one.held for one in state.purchases)]
    arrived = _arrivals(held)
    found = []
    for one in reports:
        assert isinstance(one, Unmatched)  # noqa: S101 - narrows: what is given up is reported
        arrived_ms = arrived[_place(one.source)]
        found.append(
            Waiting(
                reason=one.reason,
                customer_external_id=customer,
                click_id=one.click_id,
                event_name=one.event_name,
                timestamp=one.timestamp,
                held_since=rfc3339(arrived_ms),
                given_up_at=rfc3339(arrived_ms + policy.hold_ms),
            )
        )
    return found


def _arrivals(held: Iterable[Held | None]) -> dict[tuple[str, int, int], int]:
    return {_place(one): one.arrived_ms for one in held if one is not None}


def _place(one: Held | Source | UnmatchedSource) -> tuple[str, int, int]:
    return one.topic, one.partition, one.offset
