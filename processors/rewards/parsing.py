"""A policy as it is written → the policy that the rules use, or why not, and where."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from processors.errors import CheckFailed
from processors.rewards.conditions import FIELDS, LISTS, METADATA, NUMBERS, OPERATORS, SALES_ONLY, TEXTS, Test
from processors.rewards.policy import Cap, Group, Offer, Policy, Rate, Terms, Version
from processors.settings.durations import parse_duration_ms
from schemas.expecting import told
from schemas.reward_policy import (
    ConditionGroup,
    LeadRate,
    Percent,
    PolicyCap,
    PolicyVersion,
    RewardKind,
    RewardPolicy,
    SaleRate,
)
from schemas.times import LATEST_MS, MINUTE_MS, rfc3339, to_ms

AHEAD_MS: Final = 10 * MINUTE_MS
"""By how much a new version is written before it holds: every process has read it by then."""
_LARGEST: Final = 1 << 63
_KINDS: Final[tuple[RewardKind, ...]] = ("lead", "sale")


class PolicyRefused(CheckFailed):
    """``place``: as in ``versions[0].lead.amount``; ``said``: what is wrong there. The cause is both."""

    def __init__(self, place: str, said: str, file: str = "") -> None:
        cause = ": ".join(part for part in (file, place, said) if part)
        super().__init__(cause, "docs/rewards.md says what a policy is made of.")
        self.place = place
        self.said = said


def parse(document: object) -> Policy:
    """``document``: as JSON or YAML gave it. Raises :class:`PolicyRefused`."""
    return compiled(document_of(document))


def document_of(document: object) -> RewardPolicy:
    """The same, as far as the types of its parts say what is right. Raises :class:`PolicyRefused`."""
    try:
        return msgspec.convert(document, RewardPolicy)
    except msgspec.ValidationError as error:
        raise _refused(str(error)) from None


_AT: Final = re.compile(r"(?P<rule>.*) - at (?P<name>`key` in )?`\$\.?(?P<place>[^`]*)`", re.DOTALL)


def _refused(message: str) -> PolicyRefused:
    """What msgspec says, and what would be right there."""
    found = _AT.fullmatch(message)
    if found is None:
        return PolicyRefused("", message)
    if found["name"]:
        return PolicyRefused(found["place"], f"a name in it: {found['rule']}")
    return PolicyRefused(found["place"], told(RewardPolicy, found["place"], found["rule"]))


def compiled(policy: RewardPolicy) -> Policy:
    """Raises :class:`PolicyRefused` for what types do not say."""
    if not policy.program_id.strip():
        raise PolicyRefused("programId", "required, and not blank")
    versions = tuple(
        _version(f"versions[{number}]", version) for number, version in enumerate(policy.versions)
    )
    for number in range(1, len(versions)):
        if versions[number].effective_ms <= versions[number - 1].effective_ms:
            raise PolicyRefused(
                f"versions[{number}].effectiveFrom", "must be later than that of the one before"
            )
    return Policy(policy.program_id, versions)


def check_succession(known: RewardPolicy | None, new: RewardPolicy, now_ms: int) -> None:
    """Whether ``new`` may take the place of ``known``, the policy of the same program.

    Versions are never changed, and a new one begins :data:`AHEAD_MS` from now or later; but for the first
    policy of a program. Raises :class:`PolicyRefused`.
    """
    if known is None:
        return
    for number, version in enumerate(known.versions):
        if number >= len(new.versions) or new.versions[number] != version:
            raise PolicyRefused(
                f"versions[{number}]", "was published, and cannot be changed any more: add a version instead"
            )
    for number in range(len(known.versions), len(new.versions)):
        if to_ms(new.versions[number].effective_from) < now_ms + AHEAD_MS:
            raise PolicyRefused(
                f"versions[{number}].effectiveFrom",
                f"a new version begins 10 minutes from now at the earliest: {rfc3339(now_ms + AHEAD_MS)}",
            )


def _version(place: str, version: PolicyVersion) -> Version:
    conditions = _groups(f"{place}.conditions", version.conditions)
    offers = {kind: _offer(place, kind, version.lead, version.sale, conditions) for kind in _KINDS}
    return Version(
        _effective_ms(f"{place}.effectiveFrom", version.effective_from),
        version.currency,
        _duration_ms(f"{place}.holdingPeriod", version.holding_period),
        {kind: offer or Offer() for kind, offer in offers.items()},
        dict(_partners(f"{place}.partners", version)),
    )


def _partners(place: str, version: PolicyVersion) -> Iterator[tuple[str, Terms]]:
    for partner_id, terms in version.partners.items():
        at = f"{place}.{partner_id}"
        if terms.excluded and (terms.lead or terms.sale or terms.conditions):
            raise PolicyRefused(at, "is excluded, and has rates: only one of them can be meant")
        conditions = _groups(f"{at}.conditions", terms.conditions or [])
        offers = {kind: _offer(at, kind, terms.lead, terms.sale, conditions) for kind in _KINDS}
        own = {kind: offer for kind, offer in offers.items() if offer is not None}
        yield partner_id, Terms(terms.excluded, terms.email_hash, own)


def _offer(
    place: str,
    kind: RewardKind,
    lead: LeadRate | None,
    sale: SaleRate | None,
    conditions: Iterable[tuple[RewardKind, Group]],
) -> Offer | None:
    """Of one kind; None when nothing is said of it."""
    groups = tuple(group for on, group in conditions if on == kind)
    if kind == "lead":
        if lead is None:
            return Offer(None, groups) if groups else None
        return Offer(Rate(lead.amount), groups, cap=_cap(f"{place}.lead.cap", lead.cap))
    if sale is None:
        return Offer(None, groups) if groups else None
    base = (
        _rate(f"{place}.sale", sale.percent, sale.amount)
        if sale.percent is not None or sale.amount is not None
        else None
    )
    if base is None and sale.months is None:
        _refuse(f"{place}.sale", "needs percent, amount or months")
    return Offer(base, groups, sale.months, _cap(f"{place}.sale.cap", sale.cap))


def _cap(place: str, cap: PolicyCap | None) -> Cap | None:
    if cap is None:
        return None
    try:
        return Cap(cap.amount, cap.per, ZoneInfo(cap.timezone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PolicyRefused(f"{place}.timezone", f"is no timezone: {cap.timezone}") from None


def _rate(place: str, percent: Percent | None, amount: int | None) -> Rate:
    if (percent is None) == (amount is None):
        raise PolicyRefused(place, "needs either percent or amount")
    if amount is not None:
        return Rate(amount)
    basis_points = Decimal(str(percent)) * 100
    if basis_points != int(basis_points):
        raise PolicyRefused(f"{place}.percent", f"two decimals at most: {percent}")
    return Rate(basis_points=int(basis_points))


def _groups(place: str, groups: Iterable[ConditionGroup]) -> list[tuple[RewardKind, Group]]:
    return [(group.on, _group(f"{place}[{number}]", number, group)) for number, group in enumerate(groups)]


def _group(place: str, number: int, group: ConditionGroup) -> Group:
    if (group.all is None) == (group.any is None):
        raise PolicyRefused(place, "needs either all or any")
    if group.on == "lead" and group.percent is not None:
        raise PolicyRefused(f"{place}.percent", "a lead has no amount to take a share of")
    name, tests = ("all", group.all) if group.all is not None else ("any", group.any)
    if not tests:
        raise PolicyRefused(f"{place}.{name}", "needs a test")
    parsed = tuple(_test(f"{place}.{name}[{at}]", group.on, test) for at, test in enumerate(tests))
    return Group(number, parsed, name == "all", _rate(place, group.percent, group.amount))


def _test(place: str, on: RewardKind, test: Mapping[str, Any]) -> Test:
    said = dict(test)
    field = said.pop("field", None)
    known = isinstance(field, str) and (
        field in FIELDS or (len(field) > len(METADATA) and field.startswith(METADATA))
    )
    if not known:
        _refuse(f"{place}.field", f"one of {', '.join(sorted(FIELDS))} or metadata.NAME")
    if on == "lead" and field in SALES_ONLY:
        _refuse(f"{place}.field", f"a lead has no {field}")
    if len(said) != 1 or next(iter(said)) not in OPERATORS:
        _refuse(place, f"needs field and one of {', '.join(OPERATORS)}")
    ((operator, wanted),) = said.items()
    _check_wanted(f"{place}.{operator}", operator, wanted)
    return Test(field, operator, wanted)


def _check_wanted(place: str, operator: str, wanted: object) -> None:
    if operator in LISTS:
        if not isinstance(wanted, list) or not all(_is_scalar(one) for one in wanted):
            _refuse(place, "expected a list of texts, numbers or truth values")
    elif operator in NUMBERS:
        if not _is_scalar(wanted) or isinstance(wanted, bool | str):
            _refuse(place, "expected a number")
    elif operator in TEXTS:
        if not isinstance(wanted, str):
            _refuse(place, "expected a text")
    elif not _is_scalar(wanted):
        _refuse(place, "expected a text, a number or a truth value")


def _is_scalar(wanted: object) -> bool:
    """Of numbers only those that JSON carries."""
    return isinstance(wanted, str) or (isinstance(wanted, int | float) and abs(wanted) < _LARGEST)


def _effective_ms(place: str, moment: datetime) -> int:
    effective_ms = to_ms(moment)
    if not 0 <= effective_ms <= LATEST_MS:
        _refuse(place, "expected a time from 1970 to 9999, in UTC")
    return effective_ms


def _duration_ms(place: str, text: str) -> int:
    try:
        duration_ms = parse_duration_ms(text)
    except ValueError as error:
        raise PolicyRefused(place, str(error)) from None
    assert isinstance(duration_ms, int)  # noqa: S101 - narrows: a text gives milliseconds or raises
    return duration_ms


def _refuse(place: str, cause: str) -> NoReturn:
    raise PolicyRefused(place, cause)
