"""What an erasure reaches beyond the customer's own state (docs/rules.md, 17).

Lead events wait for their click under the click's key, and a click remembers who named it. So a customer
remembers the clicks that it named: an erasure, or a lead event that comes after one, goes on to those. A
click that the customer has no room for forgets the customer at once: no erasure would find it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from processors.attribution.customer_state import CustomerState, TouchState
from processors.attribution.facts import CustomerFact, GivenUpFact, TouchFact, source_of, suppressed
from processors.attribution.policy import Policy
from schemas.events import Erasure
from schemas.ids import customer_id
from schemas.news import ClickMoved, Waits
from schemas.results import ClickErasure, Unmatched


@dataclass(frozen=True)
class Forgotten:
    """The customer was erased: what was published of it is to be deleted."""

    workspace_id: str
    customer_external_id: str


ERASED = CustomerState(erased=True)
"""All that is kept of an erased customer, under its key: enough to suppress what comes later."""


def waiting_for_click(state: CustomerState, click_id: str, now_ms: int, policy: Policy) -> CustomerState:
    """A lead event waits in the click join. The clicks are in the order in which they were named last.

    Of very many clicks some are not remembered; what waits for those is suppressed when its hold is over.
    """
    if state.waiting.get(click_id) == now_ms:
        return state
    waiting = {known: since for known, since in state.waiting.items() if known != click_id}
    waiting[click_id] = now_ms
    if len(waiting) > policy.bounds.waiting_clicks:
        del waiting[next(iter(waiting))]
    return replace(state, waiting=waiting)


def forget(workspace_id: str, customer: str, state: CustomerState) -> list[Forgotten | ClickErasure]:
    """What to tell the world, and the clicks that this customer named."""
    click_ids = dict.fromkeys([*(touch.click_id for touch in state.touches), *state.waiting])
    erasures = [_click_erasure(workspace_id, customer, click_id) for click_id in click_ids]
    return [Forgotten(workspace_id, customer), *erasures]


def no_longer_kept(
    workspace_id: str, customer: str, touches: Iterable[TouchState], kept: Iterable[TouchState]
) -> list[ClickErasure]:
    """What to tell the clicks of which the customer keeps nothing any more."""
    click_ids = {touch.click_id for touch in kept}
    return [
        replace(_click_erasure(workspace_id, customer, touch.click_id), erased=False)
        for touch in touches
        if touch.click_id not in click_ids
    ]


def after_erasure(workspace_id: str, customer: str, fact: CustomerFact) -> list[ClickErasure | Unmatched]:
    """Nothing that an erased person does is repeated, and no click goes on knowing the person."""
    if isinstance(fact, ClickMoved | Waits):
        return [_click_erasure(workspace_id, customer, fact.click_id)]
    if isinstance(fact, TouchFact):
        erasure = _click_erasure(workspace_id, customer, fact.news.click_id)
        return [erasure, suppressed(fact.event, fact.at_ms, fact.news.source)]
    if isinstance(fact, GivenUpFact):
        return [suppressed(fact.event, fact.at_ms, fact.news.source)]
    if isinstance(fact.event, Erasure):
        return []
    return [suppressed(fact.event, fact.at_ms, source_of(fact.record))]


def _click_erasure(workspace_id: str, customer: str, click_id: str) -> ClickErasure:
    identity = customer_id(workspace_id, customer)
    return ClickErasure(workspace_id=workspace_id, click_id=click_id, customer_id=identity)
