"""What a program pays: a policy that was checked, as the rules use it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

from processors.rewards.conditions import Test
from processors.rewards.facts import Earning
from schemas.reward_policy import RewardKind
from schemas.times import MINUTE_MS

_WHOLE = 10_000
"""Basis points in one."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of a sale in ``basis_points``, or an ``amount`` in minor units of the policy's currency."""

    amount: int = 0
    basis_points: int | None = None

    def of(self, earning: Earning) -> int:
        """In minor units. A share is rounded half up."""
        if self.basis_points is not None:
            return (earning.amount * self.basis_points + _WHOLE // 2) // _WHOLE
        return self.amount * earning.quantity if earning.kind == "lead" else self.amount

    def currency(self, earning: Earning, of_policy: str) -> str:
        """A share is in what was paid; nothing is converted."""
        return of_policy if self.basis_points is None else earning.currency


@dataclass(frozen=True, slots=True)
class Cap:
    """``amount`` in minor units of the policy's currency; a day, week or month is one in ``zone``."""

    amount: int
    per: Literal["day", "week", "month", "allTime"]
    zone: ZoneInfo

    def period(self, at_ms: int, currency: str) -> str:
        """Which one that moment is in: the same text for all of it. What versions pay in another currency
        has a period of its own: sums of two are none.
        """
        if self.per == "allTime":
            return f"{self.per} in {currency}"
        return _period(self.per, self.zone, at_ms // MINUTE_MS, currency)


@lru_cache(maxsize=4096)
def _period(per: str, zone: ZoneInfo, minute: int, currency: str) -> str:
    """Wherever it is, a day begins with a minute; and much happens in one."""
    day = (_EPOCH + timedelta(minutes=minute)).astimezone(zone).date()
    if per == "week":
        day -= timedelta(days=day.weekday())
    elif per == "month":
        day = day.replace(day=1)
    return f"{per} of {day.isoformat()} {zone.key} in {currency}"


@dataclass(frozen=True, slots=True)
class Group:
    """``number``: its place among the conditions. It holds when ``every`` test does, or any of them."""

    number: int
    tests: tuple[Test, ...]
    every: bool
    rate: Rate

    def holds(self, earning: Earning, *, new: bool) -> bool:
        """``new``: it is the first paid sale of the customer with the partner."""
        found = (test.holds(earning, new=new) for test in self.tests)
        return all(found) if self.every else any(found)


@dataclass(frozen=True, slots=True)
class Offer:
    """For leads, or for sales. ``base`` None: only what a group pays. ``months`` None: for ever.

    ``cap``: of what is paid for all customers together (leads), or for each (sales).
    """

    base: Rate | None = None
    groups: tuple[Group, ...] = ()
    months: int | None = None
    cap: Cap | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """Of one partner. An offer that is None is the program's."""

    excluded: bool = False
    email_hash: str | None = None
    offers: Mapping[RewardKind, Offer] = field(default_factory=dict)


_LIKE_ANYBODY = Terms()


@dataclass(frozen=True, slots=True)
class Version:
    """What holds from ``effective_ms`` on."""

    effective_ms: int
    currency: str
    holding_ms: int
    offers: Mapping[RewardKind, Offer]
    partners: Mapping[str, Terms]

    def terms(self, partner_id: str) -> Terms:
        """Of a partner that is not named, nothing but the program's."""
        return self.partners.get(partner_id, _LIKE_ANYBODY)

    def offer(self, kind: RewardKind, partner_id: str) -> Offer:
        """The partner's, else the program's."""
        return self.terms(partner_id).offers.get(kind) or self.offers[kind]


@dataclass(frozen=True, slots=True)
class Policy:
    """``versions``: by the time from which they hold, ascending."""

    program_id: str
    versions: tuple[Version, ...]

    def __str__(self) -> str:
        count = len(self.versions)
        return f"{self.program_id}: {count} version{'' if count == 1 else 's'}"

    def at(self, at_ms: int) -> Version | None:
        """The version of that time; None before the first."""
        for version in reversed(self.versions):
            if version.effective_ms <= at_ms:
                return version
        return None


Policies = Mapping[tuple[str, str], Policy]
"""By workspaceId and programId."""
