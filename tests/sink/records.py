"""Records as the topics hold them."""

from typing import Any

import msgspec
import orjson
from aiokafka import ConsumerRecord

from schemas.headers import Header
from schemas.ids import customer_id, lead_id
from schemas.results import (
    Customer,
    Lead,
    LeadClick,
    LeadCustomer,
    LeadLink,
    Sale,
    Unmatched,
    UnmatchedSource,
)
from schemas.times import rfc3339

T0 = 1_790_000_000_000
"""2026-09-21T14:13:20Z."""


def record(
    topic: str,
    value: bytes | None,
    *,
    offset: int = 0,
    key: bytes | None = b"w:c",
    at_ms: int = T0,
    headers: tuple[tuple[str, bytes], ...] = (),
    partition: int = 0,
) -> ConsumerRecord:
    """``at_ms``: the time of the record."""
    size = len(value) if value is not None else -1
    return ConsumerRecord(topic, partition, offset, at_ms, 0, key, value, None, 3, size, headers)


def click(click_id: str, at_ms: int | None = T0, **more: Any) -> bytes:
    event = {"workspaceId": "w", "clickId": click_id, "timestamp": at_ms, **more}
    return orjson.dumps({name: value for name, value in event.items() if value is not None})


def lead(customer: str, event_name: str = "sign-up", revision: int = 1, quantity: int = 1) -> bytes:
    return msgspec.json.encode(
        Lead(
            lead_id=lead_id("w", customer, event_name),
            revision=revision,
            workspace_id="w",
            event_name=event_name,
            quantity=quantity,
            timestamp=rfc3339(T0),
            deferred_at=rfc3339(T0 - 1000),
            event_id=None,
            attribution_model="first-click",
            metadata=msgspec.Raw(b'{"plan":"pro"}'),
            customer=_person(customer),
            click=CLICK,
            link=LINK,
        )
    )


def sale(customer: str, invoice: str, amount: int = 1999, revision: int = 1) -> bytes:
    return msgspec.json.encode(
        Sale(
            sale_id=f"sl_{customer}_{invoice}",
            lead_id=lead_id("w", customer, "sign-up"),
            revision=revision,
            workspace_id="w",
            event_name="Purchase",
            lead_event_name="sign-up",
            quantity=1,
            amount=amount,
            currency="usd",
            invoice_id=invoice,
            payment_processor=None,
            timestamp=rfc3339(T0),
            deferred_at=rfc3339(T0 - 1000),
            event_id=None,
            attribution_model="first-click",
            metadata=msgspec.Raw(b"null"),
            customer=_person(customer),
            click=CLICK,
            link=LINK,
        )
    )


def customer(name: str, leads: int = 0) -> bytes:
    return msgspec.json.encode(
        Customer(
            workspace_id="w",
            customer_external_id=name,
            id=customer_id("w", name),
            status="qualified" if leads else "pending",
            name="Zoë",
            email=None,
            avatar=None,
            first_seen_at=rfc3339(T0),
            deferred_at=rfc3339(T0),
            qualified_at=rfc3339(T0) if leads else None,
            leads=leads,
            sales=0,
            attribution_model="first-click",
            click=CLICK,
            link=LINK,
        )
    )


def unmatched(
    event: bytes,
    *,
    topic: str = "qualifications",
    reason: str = "no_deferred_lead",
    at_ms: int = T0,
    **more: Any,
) -> bytes:
    """``replayed``: the id of the event; then it is not the report but the note."""
    fields = {"customer_external_id": "c", "click_id": None, "event_name": "sign-up", "offset": 7, **more}
    offset = fields.pop("offset")
    return msgspec.json.encode(
        Unmatched(
            reason=reason,  # type: ignore[arg-type]
            detail="why",
            workspace_id="w",
            timestamp=rfc3339(at_ms),
            event=msgspec.Raw(event),
            source=UnmatchedSource(topic=topic, partition=0, offset=offset, timestamp=rfc3339(T0)),
            **fields,
        )
    )


def dead_letter(
    value: bytes | None,
    *,
    offset: int = 0,
    attempt: int = 1,
    key: bytes | None = b"w:c",
    replayed: str = "",
) -> ConsumerRecord:
    """``replayed``: the id of the record; then it is not the dead letter but the note."""
    headers = {
        Header.REASON: b"not_json",
        Header.DETAIL: b"why",
        Header.SOURCE_TOPIC: b"clicks",
        Header.SOURCE_PARTITION: b"3",
        Header.SOURCE_OFFSET: b"17",
        Header.SOURCE_TIMESTAMP: b"%d" % T0,
        Header.ATTEMPT: b"%d" % attempt,
    }
    if replayed:
        headers[Header.REPLAYED] = replayed.encode()
    named = tuple((name.value, text) for name, text in headers.items())
    return record("dead-letters", value, offset=offset, key=key, headers=named, at_ms=T0 + offset)


def _person(name: str) -> LeadCustomer:
    return LeadCustomer(
        id=customer_id("w", name),
        external_id=name,
        name="Zoë",
        email=None,
        avatar=None,
        first_seen_at=rfc3339(T0),
    )


CLICK = LeadClick(
    id="k1",
    timestamp=rfc3339(T0 - 5000),
    url="https://example.com",
    country="DE",
    city="Köln",
    region=None,
    continent="EU",
    device="Desktop",
    browser="Firefox",
    os="Linux",
    referer=None,
    referer_url=None,
    trigger="link",
    qr=False,
)
LINK = LeadLink(
    id="l1",
    domain="go.example",
    key="x",
    short_link="https://go.example/x",
    url="https://example.com",
    partner_id="p1",
    program_id=None,
    tenant_id=None,
    external_id=None,
)
