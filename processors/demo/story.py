"""One person of the demo's traffic whose whole way can be followed: clicked, signed up, qualified, paid."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from processors.demo import steps
from processors.demo.steps import Customer, DemoEvent
from processors.demo.world import PLACES, WORKSPACES
from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS

DAYS: Final = 6
"""Traffic over fewer days has no room for it."""
_WORKSPACE: Final = WORKSPACES[0]
STORYS_WORKSPACE: Final = _WORKSPACE.workspace_id
_CITY: Final = "Amsterdam"
_SIGNED_UP_MS: Final = 12 * MINUTE_MS
_QUALIFIED_MS: Final = 2 * DAY_MS + 3 * HOUR_MS
_PAID_MS: Final = _QUALIFIED_MS + 20 * HOUR_MS
NUMBER: Final = 0
"""The others are numbered from 1."""


class Arriving(NamedTuple):
    """An event, and when it reaches the system."""

    at_ms: int
    event: DemoEvent


def story(external_id: str, click_id: str, visitor: dict[str, object], now_ms: int) -> Iterator[Arriving]:
    """Four events, in their order. ``visitor``: what a click says of somebody's device."""
    customer = Customer(_WORKSPACE, NUMBER, external_id)
    link = customer.workspace.links[0]
    place = next(one for one in PLACES if one.city == _CITY)
    there = {**visitor, **{name: value for name, value in place._asdict().items() if name != "weight"}}
    clicked = now_ms - (DAYS - 1) * DAY_MS
    signed_up, qualified, paid = (clicked + later for later in (_SIGNED_UP_MS, _QUALIFIED_MS, _PAID_MS))
    yield Arriving(clicked, steps.click(customer.workspace, click_id, link, there, clicked, bot=False))
    yield Arriving(signed_up, steps.sign_up(customer, click_id, signed_up, deferred=True))
    yield Arriving(qualified, steps.qualification(customer, 0, qualified))
    yield Arriving(paid, steps.purchase(customer, 1, paid))
