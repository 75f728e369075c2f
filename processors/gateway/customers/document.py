"""A customer as the API shows it."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from processors.gateway.times import Time, time_if_any
from schemas.times import rfc3339


class CustomerLink(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """The link that the customer came through."""

    id: str
    domain: str
    key: str
    short_link: str
    url: str
    program_id: str | None


class CustomerDocument(Struct, frozen=True, kw_only=True, rename="camel"):
    """``name``: never null, since older SDKs refuse that: else the e-mail address, else the external id.

    ``sale_amount``: minor units, added up whatever their currency. The last four are shown on demand; there
    are no partners and no discounts.
    """

    id: str
    external_id: str
    name: str
    email: str | None
    avatar: str | None
    country: str | None
    sales: int
    sale_amount: int
    first_sale_at: Time | None
    created_at: Time
    status: Literal["pending", "qualified"]
    deferred_at: Time | None
    qualified_at: Time | None
    stripe_customer_id: None = None
    subscription_canceled_at: None = None
    link: CustomerLink | UnsetType | None = UNSET
    program_id: str | UnsetType | None = UNSET
    partner: UnsetType | None = UNSET
    discount: UnsetType | None = UNSET


class Found(Struct, frozen=True, kw_only=True):
    """What is known of a customer. Texts may be empty. Times are epoch milliseconds."""

    id: str
    external_id: str
    name: str
    email: str
    avatar: str
    country: str
    created_at: int
    qualified: bool
    deferred_at: int | None
    qualified_at: int | None
    link_id: str
    domain: str
    key: str
    short_link: str
    url: str
    program_id: str
    sales: int
    sale_amount: int
    first_sale_at: int | None


def document(found: Found, *, expanded: bool) -> CustomerDocument:
    """``expanded``: with the link."""
    return CustomerDocument(
        id=found.id,
        external_id=found.external_id,
        name=found.name or found.email or found.external_id,
        email=found.email or None,
        avatar=found.avatar or None,
        country=found.country or None,
        sales=found.sales,
        sale_amount=found.sale_amount,
        first_sale_at=time_if_any(found.first_sale_at),
        created_at=rfc3339(found.created_at),
        status="qualified" if found.qualified else "pending",
        deferred_at=time_if_any(found.deferred_at),
        qualified_at=time_if_any(found.qualified_at),
        link=_link(found) if expanded else UNSET,
        program_id=(found.program_id or None) if expanded else UNSET,
        partner=None if expanded else UNSET,
        discount=None if expanded else UNSET,
    )


def _link(found: Found) -> CustomerLink | None:
    if not found.link_id:
        return None
    return CustomerLink(
        id=found.link_id,
        domain=found.domain,
        key=found.key,
        short_link=found.short_link,
        url=found.url,
        program_id=found.program_id or None,
    )
