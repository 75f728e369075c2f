"""What caps have granted, a second time: from the policies, and the order in which they were asked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from processors.audit.model.rewards import Document, rule_of


class Decided(NamedTuple):
    """``answers``: rewardId, period, number and amount, in the order of claims. ``room``: by rewardId and
    period, what is left of what was granted. ``used``: by cap and period.
    """

    answers: list[tuple[str, str, int, int]]
    room: dict[tuple[str, str], int]
    used: dict[tuple[str, ...], int]


def decided(claims: Iterable[Document], policies: Mapping[tuple[str, str], Document]) -> Decided:
    """What caps say to these claims, each cap in this order. A claim names the limit of its version; to one
    that no version of the policy has, nothing is granted.
    """
    found = Decided([], defaultdict(int), defaultdict(int))
    limits: dict[tuple[str, ...], set[int]] = {}
    for claim in claims:
        cap = tuple(claim[name] for name in ("workspaceId", "programId", "partnerId", "kind", "period"))
        if cap not in limits:
            limits[cap] = _limits(claim, policies.get((claim["workspaceId"], claim["programId"]), {}))
        of, amount = cap, claim["amount"]
        if claim["kind"] == "sale":
            of = (*cap, claim["customerExternalId"])
        if amount > 0:
            limit = claim["limit"] if claim["limit"] in limits[cap] else 0
            amount = min(amount, max(limit - found.used[of], 0))
            found.answers.append((claim["rewardId"], claim["period"], claim["number"], amount))
        found.used[of] += amount
        found.room[claim["rewardId"], claim["period"]] += amount
    return found


def _limits(claim: Document, policy: Document) -> set[int]:
    """Of its period, in any version."""
    when, _, currency = claim["period"].rpartition(" in ")
    of_currency = [one for one in policy.get("versions", ()) if one["currency"] == currency]
    rules = [rule_of(one, claim["kind"], claim["partnerId"]) for one in of_currency]
    caps = [rule["cap"] for rule in rules if "cap" in rule]
    return {cap["amount"] for cap in caps if _is_of(cap, when)}


def _is_of(cap: Document, when: str) -> bool:
    per, *rest = when.split(" ")
    return cap["per"] == per and (not rest or cap.get("timezone", "UTC") == rest[-1])
