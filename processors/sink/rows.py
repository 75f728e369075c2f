"""Records → rows. One function per topic; the order of its values is that of the table's columns."""

import zlib
from hashlib import blake2b
from typing import Any

import msgspec
from aiokafka import ConsumerRecord
from msgspec.json import Decoder

from schemas.decoding import Refused, decode_click
from schemas.headers import Header
from schemas.reasons import DeadLetterReason
from schemas.results import Customer, Lead, LeadClick, LeadCustomer, LeadLink, Sale, Unmatched
from schemas.times import parse_rfc3339
from schemas.topics import split_key

Row = tuple[Any, ...]

_OFFSET_BITS = 22
_OFFSET_MASK = (1 << _OFFSET_BITS) - 1
_CONTENT_BITS = 20
_LATEST = (1 << 63) - 1

CUSTOMER_COLUMNS = (
    "customer_id",
    "customer_external_id",
    "customer_name",
    "customer_email",
    "customer_avatar",
    "customer_first_seen_at",
)
CLICK_COLUMNS = (
    "click_id",
    "click_timestamp",
    "continent",
    "country",
    "region",
    "city",
    "device",
    "browser",
    "os",
    "referer",
    "referer_url",
    "trigger",
    "qr",
)
LINK_COLUMNS = (
    "link_id",
    "domain",
    "key",
    "short_link",
    "url",
    "partner_id",
    "program_id",
    "tenant_id",
    "link_external_id",
)
ATTRIBUTION_COLUMNS = (*CLICK_COLUMNS, *LINK_COLUMNS)

_lead = Decoder(Lead).decode
_sale = Decoder(Sale).decode
_customer = Decoder(Customer).decode
_unmatched = Decoder(Unmatched).decode


class Unreadable(Exception):
    """A record of a result topic that is no result."""

    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def last_wins(record: ConsumerRecord) -> int:
    """A version that grows with the position in the topic: the broker's time, then the offset."""
    return int(record.timestamp << _OFFSET_BITS | record.offset & _OFFSET_MASK)


def first_wins(record: ConsumerRecord) -> int:
    """A version that falls with the position in the topic."""
    return _LATEST - last_wins(record)


LEAD_COLUMNS = (
    "workspace_id",
    "lead_id",
    "revision",
    "timestamp",
    "deferred_at",
    "event_name",
    "quantity",
    "event_id",
    "attribution_model",
    "metadata",
    *CUSTOMER_COLUMNS,
    *ATTRIBUTION_COLUMNS,
    "version",
)


def lead_row(record: ConsumerRecord) -> Row:
    """Raises :class:`Unreadable`."""
    lead = _decoded(_lead, record)
    return (
        lead.workspace_id,
        lead.lead_id,
        lead.revision,
        parse_rfc3339(lead.timestamp),
        parse_rfc3339(lead.deferred_at),
        lead.event_name,
        lead.quantity,
        lead.event_id or "",
        lead.attribution_model,
        _document(lead.metadata),
        *_person(lead.customer),
        *_clicked(lead.click),
        *_linked(lead.link),
        last_wins(record),
    )


SALE_COLUMNS = (
    "workspace_id",
    "sale_id",
    "lead_id",
    "revision",
    "timestamp",
    "deferred_at",
    "event_name",
    "lead_event_name",
    "quantity",
    "amount",
    "currency",
    "invoice_id",
    "payment_processor",
    "event_id",
    "attribution_model",
    "metadata",
    *CUSTOMER_COLUMNS,
    *ATTRIBUTION_COLUMNS,
    "version",
)


def sale_row(record: ConsumerRecord) -> Row:
    """Raises :class:`Unreadable`."""
    sale = _decoded(_sale, record)
    return (
        sale.workspace_id,
        sale.sale_id,
        sale.lead_id,
        sale.revision,
        parse_rfc3339(sale.timestamp),
        parse_rfc3339(sale.deferred_at),
        sale.event_name,
        sale.lead_event_name,
        sale.quantity,
        sale.amount,
        sale.currency,
        sale.invoice_id or "",
        sale.payment_processor or "",
        sale.event_id or "",
        sale.attribution_model,
        _document(sale.metadata),
        *_person(sale.customer),
        *_clicked(sale.click),
        *_linked(sale.link),
        last_wins(record),
    )


STATUS_COLUMNS = (
    "workspace_id",
    "status",
    "deferred_at",
    "qualified_at",
    "leads",
    "sales",
    "attribution_model",
    *CUSTOMER_COLUMNS,
    *ATTRIBUTION_COLUMNS,
    "version",
    "is_deleted",
)
_ERASED = (
    *("", 0, None, 0, 0, ""),
    *("", 0, "", "", "", "", "", "", "", "", "", "", False),
    *("", "", "", "", "", "", "", "", ""),
)


def customer_row(record: ConsumerRecord) -> Row:
    """A tombstone deletes the customer's row. Raises :class:`Unreadable`."""
    if record.value is None:
        workspace_id, customer = split_key(record.key)
        person = ("", customer, "", "", "", 0)
        return (workspace_id, *_ERASED[:6], *person, *_ERASED[6:], last_wins(record), 1)
    status = _decoded(_customer, record)
    return (
        status.workspace_id,
        status.status,
        parse_rfc3339(status.deferred_at),
        None if status.qualified_at is None else parse_rfc3339(status.qualified_at),
        status.leads,
        status.sales,
        status.attribution_model,
        status.id,
        status.customer_external_id,
        status.name or "",
        status.email or "",
        status.avatar or "",
        parse_rfc3339(status.first_seen_at),
        *_clicked(status.click),
        *_linked(status.link),
        last_wins(record),
        0,
    )


CLICK_ROW_COLUMNS = (
    "workspace_id",
    "click_id",
    "timestamp",
    "event_id",
    "link_id",
    "partner_id",
    "program_id",
    "tenant_id",
    "link_external_id",
    "domain",
    "key",
    "url",
    "track_conversion",
    "continent",
    "country",
    "region",
    "city",
    "latitude",
    "longitude",
    "device",
    "browser",
    "os",
    "ua",
    "referer",
    "referer_url",
    "ip",
    "trigger",
    "qr",
    "version",
)


def click_row(record: ConsumerRecord) -> Row | None:
    """None: no click, and the worker says so. Of several with one clickId the earliest wins."""
    try:
        click, at_ms = decode_click(record.value, record.timestamp, record.timestamp)
    except Refused:
        return None
    if click.bot:
        return None
    tie = zlib.crc32(record.value) >> 32 - _CONTENT_BITS
    return (
        click.workspace_id,
        click.click_id,
        at_ms,
        click.event_id or "",
        click.link_id or "",
        click.partner_id or "",
        click.program_id or "",
        click.tenant_id or "",
        click.link_external_id or "",
        click.domain or "",
        click.key or "",
        click.url or "",
        click.track_conversion is None or bool(click.track_conversion),
        click.continent or "",
        click.country or "",
        click.region or "",
        click.city or "",
        _coordinate(click.latitude),
        _coordinate(click.longitude),
        click.device or "",
        click.browser or "",
        click.os or "",
        click.ua or "",
        click.referer or "",
        click.referer_url or "",
        click.ip or "",
        click.trigger or "",
        bool(click.qr),
        (_LATEST >> _CONTENT_BITS) - at_ms << _CONTENT_BITS | tie,
    )


UNMATCHED_COLUMNS = (
    "workspace_id",
    "unmatched_id",
    "reason",
    "detail",
    "customer_external_id",
    "click_id",
    "event_name",
    "timestamp",
    "event",
    "source_topic",
    "source_partition",
    "source_offset",
    "source_timestamp",
    "version",
)


def unmatched_row(record: ConsumerRecord) -> Row:
    """Raises :class:`Unreadable`."""
    one = _decoded(_unmatched, record)
    event = bytes(one.event)
    customer, click_id = one.customer_external_id or "", one.click_id or ""
    identity = (one.source.topic, one.workspace_id, customer, click_id, one.timestamp)
    return (
        one.workspace_id,
        _identity("\x1f".join(identity).encode(), event),
        one.reason.value,
        one.detail,
        customer,
        click_id,
        one.event_name or "",
        parse_rfc3339(one.timestamp),
        event.decode(),
        one.source.topic,
        one.source.partition,
        one.source.offset,
        parse_rfc3339(one.source.timestamp),
        first_wins(record),
    )


DEAD_LETTER_COLUMNS = (
    "dead_letter_id",
    "workspace_id",
    "reason",
    "detail",
    "key",
    "value",
    "attempt",
    "source_topic",
    "source_partition",
    "source_offset",
    "source_timestamp",
    "version",
)


def dead_letter_row(record: ConsumerRecord) -> Row:
    """Whatever is in ``dead-letters`` becomes a row, also what somebody else put there."""
    headers = {name: value or b"" for name, value in record.headers}
    key, value = record.key or b"", record.value or b""
    topic = headers.get(Header.SOURCE_TOPIC, b"")
    return (
        _identity(topic, key, value),
        _workspace_of(key, value),
        _text(headers.get(Header.REASON, b"")),
        _text(headers.get(Header.DETAIL, b"")),
        key,
        value,
        _number(headers.get(Header.ATTEMPT, b"")),
        _text(topic),
        _number(headers.get(Header.SOURCE_PARTITION, b"")),
        _number(headers.get(Header.SOURCE_OFFSET, b"")),
        _number(headers.get(Header.SOURCE_TIMESTAMP, b"")),
        first_wins(record),
    )


class _Workspaced(msgspec.Struct):
    workspaceId: str  # noqa: N815 - as it travels


_decode_workspace = Decoder(_Workspaced).decode


def _workspace_of(key: bytes, value: bytes) -> str:
    try:
        return _decode_workspace(value).workspaceId
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _text(key.partition(b":")[0]) if b":" in key else ""


def _decoded(decode: Any, record: ConsumerRecord) -> Any:
    try:
        return decode(record.value or b"")
    except msgspec.ValidationError as error:
        raise Unreadable(DeadLetterReason.SCHEMA_VIOLATION, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(DeadLetterReason.NOT_JSON, str(error)) from None


def _person(customer: LeadCustomer) -> Row:
    return (
        customer.id,
        customer.external_id,
        customer.name or "",
        customer.email or "",
        customer.avatar or "",
        parse_rfc3339(customer.first_seen_at),
    )


def _clicked(click: LeadClick) -> Row:
    return (
        click.id,
        parse_rfc3339(click.timestamp),
        click.continent or "",
        click.country or "",
        click.region or "",
        click.city or "",
        click.device or "",
        click.browser or "",
        click.os or "",
        click.referer or "",
        click.referer_url or "",
        click.trigger or "",
        click.qr,
    )


def _linked(link: LeadLink) -> Row:
    return (
        link.id or "",
        link.domain or "",
        link.key or "",
        link.short_link or "",
        link.url or "",
        link.partner_id or "",
        link.program_id or "",
        link.tenant_id or "",
        link.external_id or "",
    )


def _document(metadata: msgspec.Raw) -> str:
    text = bytes(metadata)
    return "" if text == b"null" else text.decode()


def _coordinate(value: float | str | None) -> str:
    return "" if value is None else str(value)


def _identity(*parts: bytes) -> str:
    return blake2b(b"\x1f".join(parts), digest_size=16).hexdigest()


def _text(value: bytes) -> str:
    return value.decode(errors="replace")


def _number(value: bytes) -> int:
    return int(value) if value.isdigit() else 0
