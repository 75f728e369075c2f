"""What producers send, validated while it is decoded.

Every optional field may be absent or null, as the SDKs send them; unknown fields are ignored.
"""

from typing import Annotated, ClassVar, Final, Literal, get_type_hints

from msgspec import Meta, Raw, Struct, field
from msgspec.structs import force_setattr

from schemas.fields import (
    Amount,
    Avatar,
    ClickId,
    Coordinate,
    Currency,
    CustomerExternalId,
    Email,
    EventId,
    EventName,
    Flag,
    GivenId,
    HeaderText,
    InvoiceId,
    Label,
    Metadata,
    Mode,
    OptionalClickId,
    PersonName,
    Processor,
    Quantity,
    StoredCustomerId,
    StoredWorkspaceId,
    Timestamp,
    Url,
    WorkspaceId,
)
from schemas.portable import portable
from schemas.texts import (
    PRESENT_PATTERN,
    SUSPICIOUS_LENGTHS,
    check_id,
    is_currency,
    without_blanks,
)
from schemas.topics import click_key, customer_key
from schemas.workspaces import KNOWN_WORKSPACES, check_stored_workspace, check_workspace

MAX_METADATA_CHARACTERS: Final = 10_000

_LONGEST_SUSPICIOUS: Final = max(SUSPICIOUS_LENGTHS)


class Event(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What every event carries."""

    type_name: ClassVar[str]

    by_the_rules: ClassVar[bool] = True
    """False: texts and ids are taken as a release with other rules may have taken them: see ``accepted``."""

    workspace_id: WorkspaceId
    timestamp: Timestamp = None
    event_id: EventId = None

    def _settle_event_id(self) -> None:
        event_id = self.event_id or ""
        length = len(event_id.strip())
        if not length:
            force_setattr(self, "event_id", None)
        elif (length in SUSPICIOUS_LENGTHS or not event_id.isprintable()) and self.by_the_rules:
            check_id("eventId", event_id)


class Click(Event, frozen=True, kw_only=True, rename="camel", gc=False):
    """Somebody followed a partner's link."""

    type_name = "click"

    click_id: ClickId
    link_id: GivenId | None = None
    domain: Label | None = None
    key: Label | None = None
    url: Url | None = None
    track_conversion: Annotated[Flag, Meta(description="Absent = true.")] = None
    partner_id: GivenId | None = None
    program_id: GivenId | None = None
    tenant_id: GivenId | None = None
    link_external_id: GivenId | None = None
    continent: Label | None = None
    country: Label | None = None
    region: Label | None = None
    city: Label | None = None
    latitude: Coordinate = None
    longitude: Coordinate = None
    device: Label | None = None
    browser: Label | None = None
    os: Label | None = None
    ua: HeaderText | None = None
    referer: HeaderText | None = None
    referer_url: HeaderText | None = None
    ip: Label | None = None
    trigger: Literal["link", "qr", "pageview", "deeplink"] | None = None
    qr: Flag = None
    bot: Flag = None

    def __post_init__(self) -> None:
        if self.workspace_id not in KNOWN_WORKSPACES:
            check_workspace(self.workspace_id)
        click_id = self.click_id.strip()
        if click_id is not self.click_id:
            force_setattr(self, "click_id", click_id)
        # Of most click ids it takes no more than these two questions to know that they are good.
        if len(click_id) <= _LONGEST_SUSPICIOUS or not click_id.isprintable():
            if not click_id:
                raise ValueError("clickId: required, and not blank")
            check_id("clickId", click_id)
        if self.event_id is not None:
            self._settle_event_id()

    def without_blanks(self) -> "Click":
        """The same click, its blank texts absent. Not done by decoding: most clicks are never used."""
        return without_blanks(self, _CLICK_TEXTS) if self._has_blanks() else self

    def _has_blanks(self) -> bool:
        # Spelled out: it is asked of every click that is stored, and a loop takes two or three times as long.
        return (
            ((text := self.link_id) is not None and not text.strip())
            or ((text := self.domain) is not None and not text.strip())
            or ((text := self.key) is not None and not text.strip())
            or ((text := self.url) is not None and not text.strip())
            or ((text := self.partner_id) is not None and not text.strip())
            or ((text := self.program_id) is not None and not text.strip())
            or ((text := self.tenant_id) is not None and not text.strip())
            or ((text := self.link_external_id) is not None and not text.strip())
            or ((text := self.continent) is not None and not text.strip())
            or ((text := self.country) is not None and not text.strip())
            or ((text := self.region) is not None and not text.strip())
            or ((text := self.city) is not None and not text.strip())
            or ((text := self.device) is not None and not text.strip())
            or ((text := self.browser) is not None and not text.strip())
            or ((text := self.os) is not None and not text.strip())
            or ((text := self.ua) is not None and not text.strip())
            or ((text := self.referer) is not None and not text.strip())
            or ((text := self.referer_url) is not None and not text.strip())
            or ((text := self.ip) is not None and not text.strip())
            or ((value := self.latitude).__class__ is str and not value.strip())
            or ((value := self.longitude).__class__ is str and not value.strip())
        )

    def topic_key(self) -> bytes:
        """The record key of this event."""
        return click_key(self.workspace_id, self.click_id)


_CLICK_TEXTS: Final = tuple(
    name for name, hint in get_type_hints(Click).items() if hint in (str | None, float | str | None)
)


class CustomerEvent(Event, frozen=True, kw_only=True, rename="camel", gc=False):
    """An event of a customer. The id may come under three names; the first that is not blank counts."""

    customer_external_id: CustomerExternalId | None = None
    external_id: Annotated[CustomerExternalId | None, Meta(description="Alias of customerExternalId.")] = None
    customer_id: Annotated[CustomerExternalId | None, Meta(description="Alias of customerExternalId.")] = None

    def __post_init__(self) -> None:
        if self.workspace_id not in KNOWN_WORKSPACES and self.by_the_rules:
            check_workspace(self.workspace_id)
        if self.event_id is not None:
            self._settle_event_id()
        given = self.customer_external_id
        if given is None or self.external_id is not None or self.customer_id is not None:
            given = self._first_alias()
        customer = given.strip()
        if customer is not self.customer_external_id:
            force_setattr(self, "customer_external_id", customer)
        if not customer:
            raise ValueError("customerExternalId: required, and not blank")
        if (len(customer) in SUSPICIOUS_LENGTHS or not customer.isprintable()) and self.by_the_rules:
            check_id("customerExternalId", customer)

    def _first_alias(self) -> str:
        given = {
            "customerExternalId": self.customer_external_id or "",
            "externalId": self.external_id or "",
            "customerId": self.customer_id or "",
        }
        if self.by_the_rules:
            for name, alias in given.items():
                check_id(name, alias.strip())
        return next((alias for alias in given.values() if alias.strip()), "")

    @property
    def customer(self) -> str:
        """The customer's external id, never blank."""
        assert self.customer_external_id  # noqa: S101 - narrows what __post_init__ made sure of
        return self.customer_external_id

    def customer_key(self) -> bytes:
        """The key under which everything of this customer meets."""
        return customer_key(self.workspace_id, self.customer)


def _settle_metadata(event: "LeadEvent | Purchase") -> None:
    """Raw, because no rule looks inside it; ``null`` and absent are one."""
    text = bytes(event.metadata)
    if not text:
        return
    if text == b"null":
        text = b""
    elif not text.startswith(b"{"):
        raise ValueError("metadata: expected an object")
    elif len(text) > MAX_METADATA_CHARACTERS and len(text.decode()) > MAX_METADATA_CHARACTERS:
        raise ValueError(f"metadata: at most {MAX_METADATA_CHARACTERS} characters of JSON")
    else:
        text = portable(text)
    # Not the part of the record that it was: that would keep all of the record.
    force_setattr(event, "metadata", Raw(text))


class LeadEvent(CustomerEvent, frozen=True, kw_only=True, rename="camel", gc=False):
    """A sign-up, a qualification or any other named step of a customer.

    With ``mode: "deferred"`` nothing counts yet; without it the event is a *request* for a lead.
    """

    type_name = "lead"

    event_name: Annotated[EventName, Meta(extra_json_schema={"pattern": PRESENT_PATTERN})]
    click_id: OptionalClickId | None = None
    mode: Mode | None = None
    customer_name: PersonName | None = None
    customer_email: Email | None = None
    customer_avatar: Avatar | None = None
    event_quantity: Quantity | None = None
    metadata: Metadata = field(default_factory=Raw)

    def __post_init__(self) -> None:
        CustomerEvent.__post_init__(self)
        event_name = self.event_name.strip()
        if event_name is not self.event_name:
            force_setattr(self, "event_name", event_name)
        if not event_name:
            raise ValueError("eventName: required, and not blank")
        click_id = (self.click_id or "").strip()
        if click_id is not self.click_id:
            force_setattr(self, "click_id", click_id)
        if (len(click_id) in SUSPICIOUS_LENGTHS or not click_id.isprintable()) and self.by_the_rules:
            check_id("clickId", click_id)
        if self.customer_name is not None and not self.customer_name.strip():
            force_setattr(self, "customer_name", None)
        if self.customer_email is not None and not self.customer_email.strip():
            force_setattr(self, "customer_email", None)
        if self.customer_avatar is not None and not self.customer_avatar.strip():
            force_setattr(self, "customer_avatar", None)
        _settle_metadata(self)

    @property
    def deferred(self) -> bool:
        """True: the event makes a touch, never a lead."""
        return self.mode == "deferred"

    def topic_key(self) -> bytes:
        """The record key: by click when it names one, else by customer."""
        return click_key(self.workspace_id, self.click_id) if self.click_id else self.customer_key()


class Purchase(CustomerEvent, frozen=True, kw_only=True, rename="camel", gc=False):
    """A customer paid.

    It is known by its invoiceId, else by its eventId, else by its content and, if it has one, its timestamp:
    equal content is the same purchase sent again.
    """

    type_name = "purchase"

    amount: Amount
    currency: Currency | None = None
    event_name: EventName | None = None
    payment_processor: Processor | None = None
    invoice_id: InvoiceId | None = None
    lead_event_name: EventName | None = None
    metadata: Metadata = field(default_factory=Raw)

    def __post_init__(self) -> None:
        CustomerEvent.__post_init__(self)
        force_setattr(self, "currency", self._currency())
        force_setattr(self, "event_name", (self.event_name or "").strip() or "Purchase")
        invoice_id = (self.invoice_id or "").strip() or None
        if (
            invoice_id
            and (len(invoice_id) in SUSPICIOUS_LENGTHS or not invoice_id.isprintable())
            and self.by_the_rules
        ):
            check_id("invoiceId", invoice_id)
        force_setattr(self, "invoice_id", invoice_id)
        force_setattr(self, "lead_event_name", (self.lead_event_name or "").strip() or None)
        _settle_metadata(self)

    def _currency(self) -> str:
        currency = (self.currency or "").strip()
        if self.by_the_rules and currency and not is_currency(currency):
            raise ValueError("currency: expected three letters, as of ISO 4217")
        return currency.lower() or "usd"

    def topic_key(self) -> bytes:
        """The record key."""
        return self.customer_key()


class Erasure(CustomerEvent, frozen=True, kw_only=True, rename="camel", gc=False):
    """A person to forget.

    Under any id, since people may be stored under one that was no mistake to a release before this one.
    """

    type_name = "erasure"
    by_the_rules = False

    workspace_id: StoredWorkspaceId
    event_id: GivenId | None = None
    customer_external_id: StoredCustomerId | None = None
    external_id: Annotated[StoredCustomerId | None, Meta(description="Alias of customerExternalId.")] = None
    customer_id: Annotated[StoredCustomerId | None, Meta(description="Alias of customerExternalId.")] = None

    def __post_init__(self) -> None:
        check_stored_workspace(self.workspace_id)
        CustomerEvent.__post_init__(self)

    def topic_key(self) -> bytes:
        """The record key."""
        return self.customer_key()


AnyEvent = Click | LeadEvent | Purchase | Erasure

EVENT_TYPES: Final[dict[str, type[Click] | type[LeadEvent] | type[Purchase] | type[Erasure]]] = {
    kind.type_name: kind for kind in (Click, LeadEvent, Purchase, Erasure)
}
