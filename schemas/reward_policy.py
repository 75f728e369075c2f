"""What a program pays, as whoever runs it writes it down (docs/rewards.md)."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from schemas.fields import GivenId

Money = Annotated[int, Meta(ge=0, le=10**12, description="In minor units of the currency.")]
Percent = Annotated[float, Meta(ge=0, le=100, description="With two decimals at most.")]
Months = Annotated[int, Meta(ge=0, le=1_200, description="0: of the first paid sale only; absent: for ever.")]
PolicyCurrency = Annotated[str, Meta(pattern=r"^[a-z]{3}$", description="Three lower-case letters.")]
EmailHash = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{64}$", description="64 hex digits: the SHA-256 of the e-mail address.")
]
RewardKind = Literal["lead", "sale"]


class _Part(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What nobody knows is refused: a rule with a slip in it would pay something else."""


class PolicyCap(_Part, frozen=True):
    """``amount`` at most, in the policy's currency, of what falls into one period by its event time."""

    amount: Money
    per: Literal["day", "week", "month", "allTime"]
    timezone: str = "UTC"


class LeadRate(_Part, frozen=True):
    """Of each lead, times its quantity. ``cap``: of all its customers together."""

    amount: Money
    cap: PolicyCap | None = None


class SaleRate(_Part, frozen=True):
    """Of each sale: ``percent`` of its amount, or ``amount`` whatever it was. ``cap``: of each customer."""

    percent: Percent | None = None
    amount: Money | None = None
    months: Months | None = None
    cap: PolicyCap | None = None


class ConditionGroup(_Part, frozen=True):
    """``all`` of these tests hold, or ``any``: then this is paid instead.

    A test is an object: ``field``, and one operator with what the field is compared with.
    """

    on: RewardKind
    all: list[dict[str, Any]] | None = None
    any: list[dict[str, Any]] | None = None
    percent: Percent | None = None
    amount: Money | None = None


class PartnerTerms(_Part, frozen=True):
    """What holds for one partner instead. ``email_hash``: see :func:`schemas.email_hash.email_hash`."""

    excluded: bool = False
    email_hash: EmailHash | None = None
    lead: LeadRate | None = None
    sale: SaleRate | None = None
    conditions: list[ConditionGroup] | None = None


class PolicyVersion(_Part, frozen=True):
    """What is paid of what happened at ``effective_from`` or later, until the next version."""

    effective_from: Annotated[datetime, Meta(tz=True, description="A time as 2026-01-31T12:00:00Z.")]
    currency: PolicyCurrency
    holding_period: str
    lead: LeadRate | None = None
    sale: SaleRate | None = None
    conditions: list[ConditionGroup] = []
    partners: dict[GivenId, PartnerTerms] = {}


class RewardPolicy(_Part, frozen=True):
    """All versions of what one program pays."""

    program_id: GivenId
    versions: Annotated[list[PolicyVersion], Meta(min_length=1, max_length=1_000)]
