"""The ledger of rewards a second time, in batch: from all documents at once, in no order, at the end of time.

It shares no line with :mod:`processors.rewards`: what both say is what the rules say.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from hashlib import blake2b
from math import floor
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from schemas.email_hash import email_hash

Document = Mapping[str, Any]


Team = tuple[str, str, str, str]
"""Workspace, program, partner, customer."""


class OwedReward(NamedTuple):
    """What stands in the end of one reward."""

    kind: str
    program_id: str
    partner_id: str
    source_id: str
    source_revision: int
    policy_version: datetime
    condition: int | None
    gross: int
    amount: int
    currency: str
    status: str


class Owed(NamedTuple):
    """``rewards``: by id, those that are earned. ``refusals``: by source, the reason and its revision.
    ``periods``: by the id of a reward that is under a cap, where it counts.
    """

    rewards: dict[str, OwedReward]
    refusals: dict[str, tuple[str, int]]
    periods: dict[str, str]


class _Judged(NamedTuple):
    at: datetime
    source: Document
    identity: str
    pay: "_Pay | str"


class _Pay(NamedTuple):
    version: Document
    condition: int | None
    gross: int
    currency: str
    period: str | None


def owed(
    results: Iterable[Document],
    events: Iterable[Document],
    policies: Mapping[tuple[str, str], Document],
    room: Mapping[tuple[str, str], int] | None = None,
    in_vain: Collection[str] = (),
) -> Owed:
    """``results``: revisions of leads and sales; ``events``: about rewards. Each counts once.

    ``policies``: by workspaceId and programId, versions ascending. Waits are never over here, but for leads
    and sales ``in_vain``: no policy came in time. ``room``: by rewardId and period, what caps have granted
    (:func:`.caps.decided`).
    """
    newest: dict[str, Document] = {}
    for one in results:
        identity = one.get("saleId") or one["leadId"]
        if identity not in newest or one["revision"] > newest[identity]["revision"]:
            newest[identity] = one
    once: dict[str, Document] = {}
    for event in sorted(events, key=_order_of_event, reverse=True):
        once[event["eventId"]] = event
    found = Owed({}, {}, {})
    teams: dict[Team, list[tuple[str, Document]]] = defaultdict(list)
    for identity, one in newest.items():
        link, whose = one["link"], one["customer"]["externalId"]
        team: Team = one["workspaceId"], link["programId"], link["partnerId"], whose
        if not team[1] or not team[2]:
            found.refusals[identity] = "no_partner", one["revision"]
        elif team[:2] not in policies or identity in in_vain:
            found.refusals[identity] = "no_policy", one["revision"]
        else:
            teams[team].append((identity, one))
    for team, sources in teams.items():
        policy = policies[team[0], team[1]]
        leads = [one for one in sources if "saleId" not in one[1]]
        sales = [one for one in sources if "saleId" in one[1]]
        _lead(team, leads, policy, found)
        _sales(team, sales, policy, list(once.values()), found)
    _after(found.rewards, list(once.values()))
    for identity, period in found.periods.items():
        reward, has = found.rewards[identity], (room or {}).get((identity, period), 0)
        if reward.amount and not has:
            found.refusals[reward.source_id] = "capped", reward.source_revision
            del found.rewards[identity]
        else:
            found.rewards[identity] = reward._replace(amount=min(reward.amount, has))
    return found


def _order_of_event(event: Document) -> tuple[object, ...]:
    return event["timestamp"], event["type"], event["eventId"], event["target"], event.get("amount", 0)


def _lead(team: Team, leads: list[tuple[str, Document]], policy: Document, found: Owed) -> None:
    paid = []
    for identity, lead in leads:
        pay = _pay(lead, policy, new=True)
        if isinstance(pay, str):
            found.refusals[identity] = pay, lead["revision"]
        else:
            paid.append(_Judged(_time(lead["timestamp"]), lead, identity, pay))
    for place, one in enumerate(sorted(paid, key=lambda one: (one.at, one.identity))):
        assert isinstance(one.pay, _Pay)  # noqa: S101 - narrows
        if place:
            found.refusals[one.identity] = "already_rewarded", one.source["revision"]
        else:
            identity = _id(*team, "lead")
            found.rewards[identity] = _reward("lead", team, one, one.pay, one.pay.gross)
            if one.pay.period:
                found.periods[identity] = one.pay.period


def _sales(
    team: Team,
    sales: list[tuple[str, Document]],
    policy: Document,
    events: list[Document],
    found: Owed,
) -> None:
    paid = sorted((_time(sale["timestamp"]), identity) for identity, sale in sales if sale["amount"])
    for identity, sale in sales:
        new = paid[:1] == [(_time(sale["timestamp"]), identity)]
        pay = _pay(sale, policy, new=new)
        if isinstance(pay, _Pay) and not new:
            months = rule_of(pay.version, "sale", team[2]).get("months")
            if months is not None and _time(sale["timestamp"]) >= _later(paid[0][0], months):
                pay = "over_duration"
        if isinstance(pay, str):
            found.refusals[identity] = pay, sale["revision"]
            continue
        refunds = [one["amount"] for one in events if one["type"] == "refund" and one["target"] == identity]
        left = sale["amount"] - min(sum(refunds), sale["amount"])
        amount = floor(Fraction(pay.gross) * Fraction(left, sale["amount"]))
        judged = _Judged(_time(sale["timestamp"]), sale, identity, pay)
        found.rewards[_id(*team, identity)] = _reward("sale", team, judged, pay, amount)
        if pay.period:
            found.periods[_id(*team, identity)] = pay.period


def _after(rewards: dict[str, OwedReward], events: list[Document]) -> None:
    for identity, reward in rewards.items():
        mine = [one for one in events if one["target"] == identity]
        holding = [one for one in mine if one["type"] in ("hold", "release")]
        holding.sort(key=lambda one: (one["timestamp"], one["eventId"]))
        status = reward.status
        if holding:
            status = "held" if holding[-1]["type"] == "hold" else "payable"
        if any(one["type"] == "cancel" for one in mine):
            rewards[identity] = reward._replace(status="cancelled", amount=0)
        else:
            rewards[identity] = reward._replace(status=status)


def rule_of(version: Document, kind: str, partner_id: str) -> Document:
    """What is paid for leads or for sales, and the conditions that may pay instead."""
    own = version.get("partners", {}).get(partner_id, {})
    for said in (own, version):
        groups = [
            (number, group) for number, group in enumerate(said.get("conditions", [])) if group["on"] == kind
        ]
        if groups or kind in said:
            return {**said.get(kind, {}), "groups": groups}
    return {"groups": []}


def _pay(source: Document, policy: Document, *, new: bool) -> _Pay | str:
    at = _time(source["timestamp"])
    versions = [one for one in policy["versions"] if _time(one["effectiveFrom"]) <= at]
    if not versions:
        return "no_policy"
    version, partner_id = versions[-1], source["link"]["partnerId"]
    if version.get("partners", {}).get(partner_id, {}).get("excluded"):
        return "excluded"
    kind = "sale" if "saleId" in source else "lead"
    rule = rule_of(version, kind, partner_id)
    held = [(number, group) for number, group in rule["groups"] if _holds(group, source, new=new)]
    if not held:
        if "amount" not in rule and "percent" not in rule:
            return "condition_failed" if rule["groups"] else "zero"
        held = [(None, rule)]
    offers = [(*_worth(rate, version, source, kind), number) for number, rate in held]
    if len({currency for _, currency, _ in offers}) > 1:
        return "currency_mismatch"
    gross = max(offer[0] for offer in offers)
    if not gross or not source.get("amount", 1):
        return "zero"
    _, currency, number = next(offer for offer in offers if offer[0] == gross)
    if (cap := rule.get("cap")) is None:
        return _Pay(version, number, gross, currency, None)
    if currency != version["currency"]:
        return "currency_mismatch"
    return _Pay(version, number, gross, currency, _period(cap, at, currency))


def _period(cap: Document, at: datetime, currency: str) -> str:
    zone = cap.get("timezone", "UTC")
    there = at.astimezone(ZoneInfo(zone))
    first = {
        "day": there,
        "week": there - timedelta(days=there.isoweekday() - 1),
        "month": there - timedelta(days=there.day - 1),
    }
    when = f"{cap['per']} of {first[cap['per']]:%Y-%m-%d} {zone}" if cap["per"] in first else "allTime"
    return f"{when} in {currency}"


def _worth(rate: Document, version: Document, source: Document, kind: str) -> tuple[int, str]:
    if "percent" in rate:
        share = Fraction(str(rate["percent"])) / 100 * source["amount"]
        return floor(share + Fraction(1, 2)), source["currency"]
    return rate["amount"] * (source["quantity"] if kind == "lead" else 1), version["currency"]


def _holds(group: Document, source: Document, *, new: bool) -> bool:
    if "all" in group:
        return all(_test(test, source, new=new) for test in group["all"])
    return any(_test(test, source, new=new) for test in group["any"])


def _test(test: Document, source: Document, *, new: bool) -> bool:
    field = test["field"]
    ((name, wanted),) = [(key, value) for key, value in test.items() if key != "field"]
    if field.startswith("metadata."):
        found = _inside(source["metadata"], field.removeprefix("metadata."))
    else:
        found = {
            "eventName": source["eventName"] or None,
            "quantity": source["quantity"],
            "click.country": source["click"]["country"] or None,
            "customer.country": source["click"]["country"] or None,
            "link.id": source["link"]["id"] or None,
            "sale.amount": source.get("amount"),
            "sale.paymentProcessor": source.get("paymentProcessor") or None,
            "sale.type": "new" if new else "recurring",
        }[field]
    if found is None:
        return False
    text, listed = isinstance(found, str), isinstance(found, list)
    number = type(found) in (int, float)
    match name:
        case "equals":
            return _alike(found, wanted)
        case "not":
            return not _alike(found, wanted)
        case "in":
            return any(_alike(found, one) for one in wanted)
        case "not_in":
            return not any(_alike(found, one) for one in wanted)
        case "starts_with":
            return text and found.startswith(wanted)
        case "ends_with":
            return text and found.endswith(wanted)
        case "contains" | "not_contains":
            inside = any(_alike(one, wanted) for one in found) if listed else False
            if text and isinstance(wanted, str):
                inside = wanted in found
            return inside if name == "contains" else (text or listed) and not inside
        case ">":
            return number and found > wanted
        case ">=" | "≥":
            return number and found >= wanted
        case "<":
            return number and found < wanted
        case "<=" | "≤":
            return number and found <= wanted
    raise ValueError(name)


def _alike(one: object, other: object) -> bool:
    """Numbers by their value; a truth value is none."""
    numbers = {type(found) in (int, float) for found in (one, other)}
    return len(numbers) == 1 and one == other


def _inside(found: Any, path: str) -> Any:
    """The name as it is written, else what is behind its first dot, inside of what is before it."""
    if not isinstance(found, dict):
        return None
    first, dot, rest = path.partition(".")
    return found[path] if path in found else _inside(found.get(first), rest) if dot else None


def _reward(kind: str, team: Team, one: _Judged, pay: _Pay, amount: int) -> OwedReward:
    version = pay.version
    own, email = (
        version.get("partners", {}).get(team[2], {}).get("emailHash"),
        one.source["customer"]["email"],
    )
    self_referral = bool(own and email) and email_hash(email) == own
    return OwedReward(
        kind,
        team[1],
        team[2],
        one.identity,
        one.source["revision"],
        _time(version["effectiveFrom"]),
        pay.condition,
        pay.gross,
        amount,
        pay.currency,
        "held" if self_referral else "payable",
    )


def _later(at: datetime, months: int) -> datetime:
    month = at.month + months
    year = at.year + (month - 1) // 12
    month = (month - 1) % 12 + 1
    return at.replace(year=year, month=month, day=min(at.day, monthrange(year, month)[1]))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _id(workspace_id: str, program_id: str, partner_id: str, customer: str, of: str) -> str:
    parts = "\x1f".join((workspace_id, program_id, partner_id, customer, of))
    return "rw_" + blake2b(parts.encode(), digest_size=16).hexdigest()
