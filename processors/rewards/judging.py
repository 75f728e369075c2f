"""What one lead or sale is worth by the policy of its time, whatever else its customer does."""

from typing import Final

from msgspec import Struct

from processors.rewards.facts import Earning
from processors.rewards.policy import Offer, Policies, Rate, Version
from schemas.rewards import RefusalReason

FOR_EVER: Final = -1
NO_GROUP: Final = -1


class Verdict(Struct, frozen=True, array_like=True, gc=False):
    """``refusal``: why it earns nothing; then nothing else counts.

    ``version_ms``: when the version that decided takes effect. ``group``: the number of the condition that
    did, or :data:`NO_GROUP`. ``months``: for how long the policy pays for sales, or :data:`FOR_EVER`.
    ``period``: in which what is paid counts under the cap of ``limit``; empty: there is none.
    """

    refusal: RefusalReason | None
    version_ms: int = 0
    group: int = NO_GROUP
    gross: int = 0
    currency: str = ""
    holding_ms: int = 0
    months: int = FOR_EVER
    self_referral: bool = False
    period: str = ""
    limit: int = 0


NO_POLICY: Final = Verdict(RefusalReason.NO_POLICY)
_NO_PARTNER: Final = Verdict(RefusalReason.NO_PARTNER)


def judge(workspace_id: str, earning: Earning, policies: Policies, *, new: bool) -> Verdict | None:
    """``new``: as if it were the first paid sale of its customer with the partner.

    None: there is no policy of its program, or none yet.
    """
    if not earning.program_id or not earning.partner_id:
        return _NO_PARTNER
    policy = policies.get((workspace_id, earning.program_id))
    if policy is None:
        return None
    version = policy.at(earning.at_ms)
    return NO_POLICY if version is None else _by(version, earning, new=new)


def _by(version: Version, earning: Earning, *, new: bool) -> Verdict:
    terms = version.terms(earning.partner_id)
    if terms.excluded:
        return _refused(RefusalReason.EXCLUDED, version)
    offer = version.offer(earning.kind, earning.partner_id)
    rates = _rates(offer, earning, new=new)
    if not rates:
        failed = bool(offer.groups)
        return _refused(RefusalReason.CONDITION_FAILED if failed else RefusalReason.ZERO, version)
    group, rate = rates[0]
    if len(rates) > 1:
        if len({rate.currency(earning, version.currency) for _, rate in rates}) > 1:
            return _refused(RefusalReason.CURRENCY_MISMATCH, version)
        # Of equal ones the first: max() keeps it.
        group, rate = max(rates, key=lambda one: one[1].of(earning))
    gross = rate.of(earning)
    if gross == 0 or (earning.kind == "sale" and earning.amount == 0):
        return _refused(RefusalReason.ZERO, version)
    currency, cap = rate.currency(earning, version.currency), offer.cap
    if cap is not None and currency != version.currency:
        return _refused(RefusalReason.CURRENCY_MISMATCH, version)
    return Verdict(
        None,
        version.effective_ms,
        group,
        gross,
        currency,
        version.holding_ms,
        FOR_EVER if offer.months is None else offer.months,
        bool(earning.email_hash) and earning.email_hash == terms.email_hash,
        "" if cap is None else cap.period(earning.at_ms, currency),
        0 if cap is None else cap.amount,
    )


def _rates(offer: Offer, earning: Earning, *, new: bool) -> list[tuple[int, Rate]]:
    """What the groups that hold would pay, each instead of the base; else the base, if there is one."""
    if offer.groups:
        held = [(group.number, group.rate) for group in offer.groups if group.holds(earning, new=new)]
        if held:
            return held
    return [] if offer.base is None else [(NO_GROUP, offer.base)]


def _refused(reason: RefusalReason, version: Version) -> Verdict:
    return Verdict(reason, version.effective_ms)
