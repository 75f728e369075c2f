"""What producers send (contract section 3), validated while it is decoded.

Every optional field may be absent or null, as the SDKs send them; unknown fields are ignored.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import Annotated, ClassVar, Final, Literal

from msgspec import Meta, Raw, Struct, field
from msgspec.structs import force_setattr

from schemas.topics import click_key, customer_key

MAX_METADATA_CHARACTERS: Final = 10_000

WorkspaceId = Annotated[
    str,
    Meta(
        description="The workspace; workspaces never meet.",
        # By _check_workspace: a pattern here is matched for every event, in a fifth of the time of decoding.
        extra_json_schema={"pattern": "^[A-Za-z0-9_-]{1,64}$"},
    ),
]
Timestamp = Annotated[
    Annotated[int, Meta(description="Epoch milliseconds.")]
    | Annotated[datetime, Meta(tz=True, description="RFC 3339 with offset.")]
    | None,
    Meta(description="Event time; absent = the Kafka record's time."),
]
EventId = Annotated[str, Meta(max_length=255)] | None
CustomerExternalId = Annotated[str, Meta(max_length=100, description="The customer's id in your own system.")]
Flag = bool | Literal[0, 1] | None
Coordinate = float | str | None


_WORKSPACE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_workspace_id(text: str) -> bool:
    """Can this be a workspaceId (contract section 3)?"""
    return _WORKSPACE.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _check_workspace(workspace_id: str) -> None:
    """Remembers the good ones, for they come again and again."""
    if not is_workspace_id(workspace_id):
        raise ValueError("workspaceId: expected 1 to 64 letters, digits, - or _")


class Event(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What every event carries."""

    type_name: ClassVar[str]

    workspace_id: WorkspaceId
    timestamp: Timestamp = None
    event_id: EventId = None


class Click(Event, frozen=True, kw_only=True, rename="camel", gc=False):
    """Somebody followed a partner's link."""

    type_name = "click"

    click_id: Annotated[str, Meta(min_length=1, max_length=64)]
    link_id: str | None = None
    domain: str | None = None
    key: str | None = None
    url: str | None = None
    track_conversion: Annotated[Flag, Meta(description="Absent = true.")] = None
    partner_id: str | None = None
    program_id: str | None = None
    tenant_id: str | None = None
    link_external_id: str | None = None
    continent: str | None = None
    country: str | None = None
    region: str | None = None
    city: str | None = None
    latitude: Coordinate = None
    longitude: Coordinate = None
    device: str | None = None
    browser: str | None = None
    os: str | None = None
    ua: str | None = None
    referer: str | None = None
    referer_url: str | None = None
    ip: str | None = None
    trigger: Literal["link", "qr", "pageview", "deeplink"] | None = None
    qr: Flag = None
    bot: Flag = None

    def __post_init__(self) -> None:
        _check_workspace(self.workspace_id)
        trimmed = self.click_id.strip()
        if trimmed is not self.click_id:
            if not trimmed:
                raise ValueError("clickId: required, and not blank")
            force_setattr(self, "click_id", trimmed)

    def topic_key(self) -> bytes:
        """The record key of this event (contract section 2)."""
        return click_key(self.workspace_id, self.click_id)


class CustomerEvent(Event, frozen=True, kw_only=True, rename="camel", gc=False):
    """An event of a customer. The id may come under three names; the first that is not blank counts."""

    customer_external_id: CustomerExternalId | None = None
    external_id: Annotated[CustomerExternalId | None, Meta(description="Alias of customerExternalId.")] = None
    customer_id: Annotated[CustomerExternalId | None, Meta(description="Alias of customerExternalId.")] = None

    def __post_init__(self) -> None:
        _check_workspace(self.workspace_id)
        for alias in (self.customer_external_id, self.external_id, self.customer_id):
            if alias is not None and (trimmed := alias.strip()):
                force_setattr(self, "customer_external_id", trimmed)
                return
        raise ValueError("customerExternalId: required, and not blank")

    @property
    def customer(self) -> str:
        """The customer's external id, never blank."""
        assert self.customer_external_id  # noqa: S101 - narrows what __post_init__ made sure of
        return self.customer_external_id

    def customer_key(self) -> bytes:
        """The key under which everything of this customer meets."""
        return customer_key(self.workspace_id, self.customer)


def _check_metadata(metadata: Raw) -> Raw:
    """Raw, because no rule looks inside it; ``null`` and absent are one."""
    text = bytes(metadata)
    if not text or text == b"null":
        return Raw(b"")
    if not text.startswith(b"{"):
        raise ValueError("metadata: expected an object")
    if len(text) > MAX_METADATA_CHARACTERS and len(text.decode()) > MAX_METADATA_CHARACTERS:
        raise ValueError(f"metadata: at most {MAX_METADATA_CHARACTERS} characters of JSON")
    return Raw(text)


class LeadEvent(CustomerEvent, frozen=True, kw_only=True, rename="camel", gc=False):
    """A sign-up, a qualification or any other named step of a customer.

    With ``mode: "deferred"`` nothing counts yet; without it the event is a *request* for a lead.
    """

    type_name = "lead"

    event_name: Annotated[str, Meta(min_length=1, max_length=255)]
    click_id: Annotated[str, Meta(max_length=64)] | None = None
    mode: Literal["async", "wait", "deferred"] | None = None
    customer_name: Annotated[str, Meta(max_length=100)] | None = None
    customer_email: str | None = None
    customer_avatar: str | None = None
    event_quantity: Annotated[int, Meta(ge=1, le=100)] | None = None
    metadata: Annotated[Raw, Meta(extra_json_schema={"type": ["object", "null"]})] = field(
        default_factory=Raw
    )

    def __post_init__(self) -> None:
        CustomerEvent.__post_init__(self)
        event_name = self.event_name.strip()
        if not event_name:
            raise ValueError("eventName: required, and not blank")
        force_setattr(self, "event_name", event_name)
        force_setattr(self, "click_id", (self.click_id or "").strip())
        force_setattr(self, "metadata", _check_metadata(self.metadata))

    @property
    def deferred(self) -> bool:
        """True: the event makes a touch, never a lead."""
        return self.mode == "deferred"

    def topic_key(self) -> bytes:
        """The record key: by click when it names one, else by customer (contract section 2)."""
        return click_key(self.workspace_id, self.click_id) if self.click_id else self.customer_key()


class Purchase(CustomerEvent, frozen=True, kw_only=True, rename="camel", gc=False):
    """A customer paid.

    It is known by its invoiceId, else by its eventId, else by its content and, if it has one, its timestamp:
    equal content is the same purchase sent again.
    """

    type_name = "purchase"

    amount: Annotated[int, Meta(ge=0, le=2**63 - 1, description="In minor units of the currency.")]
    currency: Annotated[str, Meta(max_length=16)] | None = None
    event_name: Annotated[str, Meta(max_length=255)] | None = None
    payment_processor: str | None = None
    invoice_id: Annotated[str, Meta(max_length=255)] | None = None
    lead_event_name: Annotated[str, Meta(max_length=255)] | None = None
    metadata: Annotated[Raw, Meta(extra_json_schema={"type": ["object", "null"]})] = field(
        default_factory=Raw
    )

    def __post_init__(self) -> None:
        CustomerEvent.__post_init__(self)
        force_setattr(self, "currency", (self.currency or "").strip().lower() or "usd")
        force_setattr(self, "event_name", (self.event_name or "").strip() or "Purchase")
        force_setattr(self, "invoice_id", (self.invoice_id or "").strip() or None)
        force_setattr(self, "lead_event_name", (self.lead_event_name or "").strip() or None)
        force_setattr(self, "metadata", _check_metadata(self.metadata))

    def topic_key(self) -> bytes:
        """The record key (contract section 2)."""
        return self.customer_key()


class Erasure(CustomerEvent, frozen=True, kw_only=True, rename="camel", gc=False):
    """A person to forget."""

    type_name = "erasure"

    def topic_key(self) -> bytes:
        """The record key (contract section 2)."""
        return self.customer_key()


AnyEvent = Click | LeadEvent | Purchase | Erasure

EVENT_TYPES: Final[dict[str, type[Click] | type[LeadEvent] | type[Purchase] | type[Erasure]]] = {
    kind.type_name: kind for kind in (Click, LeadEvent, Purchase, Erasure)
}
