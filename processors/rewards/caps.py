"""Caps: how much of a reward fits, and what of that its customer remembers.

A cap is shared by rewards of many customers, so that none of them can decide it. Each asks for room with a
claim, and has its share once that was answered, in the order in which claims come: :func:`answered`. What it
needs no more it gives back.
"""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from schemas.reward_caps import RewardClaim, RewardShare
from schemas.reward_policy import RewardKind


class Share(Struct, frozen=True, array_like=True, gc=False):
    """What a reward has under the cap of one ``period``: ``granted`` of what it ``asked`` for.

    ``number``: of the last claim, among all of its customer; ``waiting``: it is not answered yet. Program,
    partner and kind are the reward's: it may be there no more when something is to be given back.
    """

    program_id: str
    partner_id: str
    kind: RewardKind
    period: str
    number: int
    asked: int
    granted: int
    waiting: bool


Shares = Mapping[str, tuple[Share, ...]]
"""By rewardId. Of several periods one alone counts; the others are given back as soon as that is decided."""


class Room(NamedTuple):
    """The cap that a reward is under, and how much of it is wanted."""

    program_id: str
    partner_id: str
    kind: RewardKind
    period: str
    limit: int
    wanted: int


class Asked(NamedTuple):
    """The shares of one reward once these claims are made. ``amount``: to ask for, or below zero."""

    shares: tuple[Share, ...]
    claims: tuple[tuple[Share, int], ...]


def asked(shares: tuple[Share, ...], room: Room | None, number: int) -> Asked:
    """``room`` None: the reward is under no cap. ``number``: of the claim, if it asks for something.

    While a claim waits nothing is asked for and nothing given back: what was published rests on it.
    """
    if any(one.waiting for one in shares):
        return Asked(shares, ())
    if room is not None and room.wanted:
        if len(shares) == 1 and (shares[0].period, shares[0].asked) == (room.period, room.wanted):
            return Asked(shares, ())
        known = next((one for one in shares if one.period == room.period), _none(room))
        if room.wanted > known.asked:
            new = replace(known, number=number, asked=room.wanted, waiting=True)
            others = tuple(one for one in shares if one.period != room.period)
            return Asked((*others, new), ((new, room.wanted - known.asked),))
    kept, claims = [], []
    for one in shares:
        wanted = room.wanted if room is not None and one.period == room.period else 0
        if one.granted > wanted:
            claims.append((one, wanted - one.granted))
        if wanted:
            kept.append(replace(one, asked=wanted, granted=min(one.granted, wanted)))
    return Asked(tuple(kept), tuple(claims))


def _none(room: Room) -> Share:
    return Share(*room[:4], number=0, asked=0, granted=0, waiting=False)


def with_answer(shares: tuple[Share, ...], period: str, number: int, amount: int) -> tuple[Share, ...]:
    """The same object: nobody has asked."""
    for one in shares:
        if (one.period, one.number, one.waiting) == (period, number, True):
            new = replace(one, granted=one.granted + amount, waiting=False)
            return tuple(new if other is one else other for other in shares)
    return shares


def waits(shares: Shares, reward_id: str) -> bool:
    """Is a claim of it not answered yet?"""
    return reward_id in shares and any(one.waiting for one in shares[reward_id])


def granted(shares: Shares, reward_id: str, period: str) -> int:
    """How much of what it asked for it has."""
    return next((one.granted for one in shares.get(reward_id, ()) if one.period == period), 0)


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
