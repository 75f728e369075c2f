"""Calls → events. Whether one is good enough is for the decoder to say that workers use."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar

from msgspec import Raw
from msgspec.json import Decoder, encode
from msgspec.json import format as rewritten

from processors.gateway.answers import ApiError, Code
from processors.gateway.idempotency import idempotency_of
from processors.gateway.routing import Call
from processors.gateway.track.bodies import ClientLeadBody, ClientSaleBody, LeadBody, SaleBody
from schemas.decoding import EventDecoder, Refused, decode_lead_event, decode_purchase
from schemas.events import MAX_METADATA_CHARACTERS, LeadEvent, Purchase
from schemas.portable import whole_characters
from schemas.routing import Routed, routed
from schemas.texts import said
from schemas.times import to_ms

E = TypeVar("E", LeadEvent, Purchase)

DIRECT_SALE: Final = "Direct sale tracking lead event"
"""The lead of a customer whose first event is a sale, unless the sale names one. Clients know this name."""
CUSTOM: Final = "custom"
"""The payment processor of a sale that names none."""


class Written(NamedTuple, Generic[E]):
    """An event: as it is published, as workers will read it, and where it belongs."""

    value: bytes
    event: E
    routed: Routed


@dataclass(frozen=True, slots=True)
class Origin:
    """What all events of a call have in common. ``event_id``: of its ``Idempotency-Key``."""

    workspace_id: str
    customer: str
    at_ms: int
    now_ms: int
    event_id: str | None


def origin(call: Call) -> Origin:
    """Raises ``ApiError`` for a call that names no customer, and for an ``Idempotency-Key`` of too many
    characters."""
    body: LeadBody | SaleBody | ClientLeadBody | ClientSaleBody = call.body
    customer, stamp = body.customer, body.timestamp
    if customer is None:
        raise ApiError(Code.BAD_REQUEST, "customerExternalId is required")
    at_ms = call.now_ms if stamp is None else to_ms(stamp) if isinstance(stamp, datetime) else stamp
    workspace_id = call.of.workspace_id
    return Origin(workspace_id, customer.strip(), at_ms, call.now_ms, idempotency_of(call, workspace_id))


def lead_event(of: Origin, body: LeadBody | ClientLeadBody) -> Written[LeadEvent]:
    """Raises ``ApiError``."""
    fields = {
        "clickId": _trimmed(body.click_id),
        "eventName": body.event_name.strip(),
        "mode": body.mode,
        "eventQuantity": body.event_quantity,
        **_person(body),
        "metadata": _compact(body.metadata),
    }
    return _written("lead", of, fields, of.event_id, decode_lead_event)


def lead_of_direct_sale(of: Origin, body: SaleBody | ClientSaleBody) -> Written[LeadEvent]:
    """What makes a lead of a customer who buys without having been one. Raises ``ApiError``."""
    fields = {
        "clickId": _trimmed(body.click_id),
        "eventName": _trimmed(body.lead_event_name) or DIRECT_SALE,
        **_person(body),
        "metadata": _compact(body.metadata),
    }
    return _written("lead", of, fields, of.event_id, decode_lead_event)


def purchase(of: Origin, body: SaleBody | ClientSaleBody, new_id: str) -> Written[Purchase]:
    """``new_id``: by which it is known if neither invoice nor ``Idempotency-Key`` says that it was sent
    before. Raises ``ApiError``."""
    invoice_id = _trimmed(body.invoice_id)
    fields = {
        "amount": body.amount,
        "currency": _trimmed(body.currency),
        "eventName": _trimmed(body.event_name),
        "paymentProcessor": body.payment_processor or CUSTOM,
        "invoiceId": invoice_id,
        "leadEventName": _trimmed(body.lead_event_name),
        "metadata": _compact(body.metadata),
    }
    event_id = of.event_id or (None if invoice_id else new_id)
    return _written("purchase", of, fields, event_id, decode_purchase)


def _trimmed(text: str | None) -> str | None:
    return (text or "").strip() or None


def _person(body: LeadBody | ClientLeadBody | SaleBody | ClientSaleBody) -> dict[str, str | None]:
    return {
        "customerName": said(body.customer_name),
        "customerEmail": body.customer_email,
        "customerAvatar": said(body.customer_avatar),
    }


def _compact(metadata: Raw) -> Raw | None:
    """Without what is nobody's data and would count against its limit: blanks between tokens, and characters
    beyond ASCII written as escapes, which are six each."""
    text = bytes(metadata)
    if text in (b"", b"null"):
        return None
    text = rewritten(text, indent=-1)
    if len(text) > MAX_METADATA_CHARACTERS and b"\\u" in text:
        text = _STRING.sub(_spelled_out, whole_characters(text))
    return Raw(text)


_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"')
_text: Final = Decoder(str).decode


def _spelled_out(string: re.Match[bytes]) -> bytes:
    return encode(_text(string[0]))


def _written(
    kind: str, of: Origin, fields: Mapping[str, Any], event_id: str | None, decode: EventDecoder[E]
) -> Written[E]:
    document = {
        "type": kind,
        "workspaceId": of.workspace_id,
        "timestamp": of.at_ms,
        "eventId": event_id,
        "customerExternalId": of.customer,
        **fields,
    }
    value = encode({name: one for name, one in document.items() if one is not None})
    try:
        event, at_ms = decode(value, -1, of.now_ms)
    except Refused as refused:
        raise ApiError(Code.UNPROCESSABLE_ENTITY, f"custom: {refused.detail}") from None
    return Written(value, event, routed(event, at_ms))
