"""Events as rows of a list."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from markupsafe import Markup

from processors.gateway.dashboard import words
from processors.gateway.dashboard.countries import name_of
from processors.gateway.dashboard.events import Event

_CLICK: Final = "Click"
_SIGNED_UP: Final = "Signed up"


class Row(NamedTuple):
    """What people read of it. ``tags``: text, and whether it warns."""

    event: Event
    time: Markup
    name: str
    who: str
    country: str
    age: str
    amount: str
    tags: list[tuple[str, bool]]


def rows_of(events: Iterable[Event], now: datetime) -> list[Row]:
    """``now``: in the zone of the page."""
    return [_row(one, now) for one in events]


def _row(event: Event, now: datetime) -> Row:
    names = {"clicks": _CLICK, "sign-ups": _SIGNED_UP}
    tags = [(f"corrected, rev. {event.revision}", True)] if event.revision > 1 else []
    if event.recurring:
        tags.append(("recurring", False))
    if event.quantity > 1:
        tags.append((f"× {event.quantity}", False))
    after = "" if event.kind == "clicks" else words.duration((event.at_ms - event.clicked_ms) / 1000)
    return Row(
        event=event,
        time=words.moment_of(event.at_ms, now),
        name=names.get(event.kind) or event.name,
        who=event.customer_name or event.customer,
        country=name_of(event.country),
        age=after,
        amount=words.money(event.amount, event.currency) if event.currency else "",
        tags=tags,
    )
