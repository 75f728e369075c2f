"""Every revision of a lead, and what each has changed."""

from itertools import pairwise
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from processors.gateway.asking import Ask, Row
from processors.gateway.times import Time, time

_SQL: Final = """
    SELECT revision, toUnixTimestamp64Milli(emitted_at), toUnixTimestamp64Milli(timestamp),
        customer_external_id, event_name, event_id, quantity, click_id,
        toUnixTimestamp64Milli(click_timestamp), link_id, partner_id, program_id
    FROM lead_revisions
    WHERE workspace_id = {workspace:String} AND lead_id = {lead:String}
    ORDER BY revision DESC LIMIT 1000
"""


class Revision(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a lead was, from ``emitted_at`` on, when it was published. ``timestamp``: when the customer
    qualified. ``changed``: names of fields that the revision before had otherwise; null where that is not
    known: of the first."""

    revision: int
    emitted_at: Time
    timestamp: Time
    customer_external_id: str
    event_name: str
    event_id: str
    quantity: int
    click_id: str
    clicked_at: Time
    link_id: str | None
    partner_id: str | None
    program_id: str | None
    changed: list[str] | None = None


_WATCHED: Final = {
    "timestamp": "timestamp",
    "eventName": "event_name",
    "eventId": "event_id",
    "quantity": "quantity",
    "clickId": "click_id",
    "linkId": "link_id",
    "partnerId": "partner_id",
    "programId": "program_id",
}


async def revisions(ask: Ask, workspace_id: str, lead_id: str) -> list[Revision]:
    """The newest first; none: there is no such lead."""
    found = [*map(_revision, await ask(_SQL, {"workspace": workspace_id, "lead": lead_id}))]
    told = [_beside(one, before) for one, before in pairwise(found)]
    return told + found[-1:]


def _beside(one: Revision, before: Revision) -> Revision:
    if one.revision != before.revision + 1:
        return one
    changed = [name for name, field in _WATCHED.items() if getattr(one, field) != getattr(before, field)]
    return replace(one, changed=changed)


def _revision(row: Row) -> Revision:
    (number, emitted, at, external_id, event_name, event_id, quantity, click_id, clicked, *whose) = row
    link_id, partner_id, program_id = (str(one) or None for one in whose)
    return Revision(
        revision=number,
        emitted_at=time(emitted),
        timestamp=time(at),
        customer_external_id=external_id,
        event_name=event_name,
        event_id=event_id,
        quantity=quantity,
        click_id=click_id,
        clicked_at=time(clicked),
        link_id=link_id,
        partner_id=partner_id,
        program_id=program_id,
    )
