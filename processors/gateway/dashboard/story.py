"""One customer's story, in plain words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from processors.gateway.dashboard import words
from processors.gateway.dashboard.countries import name_of
from processors.gateway.dashboard.events import Event
from processors.gateway.dashboard.people import QUALIFIED, Person
from processors.gateway.dashboard.reasons import said_of
from processors.gateway.dashboard.refusals import RefusedEvent


@dataclass(frozen=True)
class Line:
    """``kind``: as the tabs are called, or ``refused``. ``more``: a second line."""

    kind: str
    at_ms: int
    time: Markup
    text: str
    more: str


def story(
    person: Person, events: Iterable[Event], refused: Iterable[RefusedEvent], now: datetime
) -> Sequence[Line]:
    """In the order in which it happened. ``events``: leads and sales of the person."""

    def line(kind: str, at_ms: int, text: str, more: str = "") -> Line:
        return Line(kind, at_ms, words.moment_of(at_ms, now), text, more)

    link = "/".join(one for one in (person.domain, person.key) if one)
    place = ", ".join(one for one in (person.city, name_of(person.country)) if one)
    signed_after = words.duration((person.signed_ms - person.clicked_ms) / 1000)
    told = [
        line("clicks", person.clicked_ms, f"Clicked {link or 'a link'}", place),
        line("sign-ups", person.signed_ms, "Signed up", f"{signed_after} after the click"),
    ]
    for one in events:
        if one.kind == "leads":
            took = words.duration((one.at_ms - person.signed_ms) / 1000)
            times = f", {one.quantity} times" if one.quantity > 1 else ""
            told.append(line("leads", one.at_ms, f"{one.name}{times}", f"a lead, {took} after the sign-up"))
        elif one.kind == "sales":
            paid = words.money(one.amount, one.currency)
            told.append(line("sales", one.at_ms, f"Paid {paid}", one.name))
    for event in refused:
        said = said_of(event.reason)
        told.append(line("refused", event.at_ms, f"Not counted: {said.why}", event.detail))
    return sorted(told, key=lambda one: one.at_ms)


def decision(person: Person) -> str:
    """Why there is a lead, or none."""
    whose = f"link of {person.partner_id}" if person.partner_id else "link"
    model = person.model or "first-click"
    if person.status == QUALIFIED:
        leads = words.counted(person.leads, "lead")
        return f"Counts: {leads} for the {whose}, by {model} attribution."
    return f"Waits: signed up through the {whose}, and nothing that qualifies has come."
