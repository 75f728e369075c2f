"""Caps: how much of a reward fits, and what of that its customer remembers.

A cap is shared by rewards of many customers, so that none of them can decide it. Each asks for room with a
claim, and has its share once that was answered, in the order in which claims come: :func:`answered`. What it
needs no more it gives back.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from processors.rewards.state import Share, Standing
from schemas.reward_caps import RewardClaim, RewardShare

Shares = Mapping[str, tuple[Share, ...]]
"""By rewardId. Of several periods one alone counts; the others are given back as soon as that is decided."""


Asked = tuple[tuple[Share, ...], Sequence[tuple[Share, int]]]
"""The shares of one reward once these claims are made, and each with the amount to ask for, or below zero."""


def asked(shares: tuple[Share, ...], earned: Standing | None, number: int) -> Asked:
    """``earned``: the reward as if there were no caps. ``number``: of the claim, if it asks for something.

    While a claim waits nothing is asked for and nothing given back: what was published rests on it.
    """
    if _any_waits(shares):
        return shares, ()
    if earned is not None and earned.period and earned.amount:
        if len(shares) == 1 and shares[0].asked == earned.amount and shares[0].period == earned.period:
            return shares, ()
        wanted, known = earned.amount, _of(shares, earned.period)
        before, has = (0, 0) if known is None else (known.asked, known.granted)
        if wanted > before:
            whose = earned.program_id, earned.partner_id, earned.kind, earned.period
            new = Share(*whose, number, wanted, has, waiting=True)
            others = [one for one in shares if one is not known]
            return (*others, new), ((new, wanted - before),)
    kept, claims = [], []
    for one in shares:
        wanted = earned.amount if earned is not None and one.period == earned.period else 0
        if one.granted > wanted:
            claims.append((one, wanted - one.granted))
        if wanted:
            kept.append(replace(one, asked=wanted, granted=min(one.granted, wanted)))
    return tuple(kept), claims


def with_answer(shares: tuple[Share, ...], period: str, number: int, amount: int) -> tuple[Share, ...]:
    """The same object: nobody has asked."""
    one = _of(shares, period)
    if one is None or one.number != number or not one.waiting:
        return shares
    new = replace(one, granted=one.granted + amount, waiting=False)
    return tuple([new if other is one else other for other in shares])


def waits(shares: Shares, reward_id: str) -> bool:
    """Is a claim of it not answered yet?"""
    return _any_waits(shares.get(reward_id, ()))


def _any_waits(shares: tuple[Share, ...]) -> bool:
    for one in shares:  # noqa: SIM110 - any() would make a generator, several times a lead
        if one.waiting:
            return True
    return False


def granted(shares: tuple[Share, ...], period: str) -> int:
    """How much of what a reward asked for it has."""
    one = _of(shares, period)
    return 0 if one is None else one.granted


def _of(shares: tuple[Share, ...], period: str) -> Share | None:
    for one in shares:
        if one.period == period:
            return one
    return None


def answered(used: int, claim: RewardClaim) -> tuple[int, RewardShare | None]:
    """``used``: the sum of what was granted under this cap in this period, before and after. Decided once:
    what is given back serves later claims only.
    """
    if claim.amount < 0:
        return max(used + claim.amount, 0), None
    amount = max(min(claim.amount, claim.limit - used), 0)
    share = RewardShare(
        workspace_id=claim.workspace_id,
        customer_external_id=claim.customer_external_id,
        reward_id=claim.reward_id,
        period=claim.period,
        number=claim.number,
        amount=amount,
    )
    return used + amount, share
