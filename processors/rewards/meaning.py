"""What the facts of a customer mean: its rewards, and what earned nothing. A function of the facts alone."""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from processors.rewards.caps import granted, waits
from processors.rewards.facts import Change
from processors.rewards.judging import FOR_EVER, Verdict
from processors.rewards.state import Noted, Published, Source, Standing, State
from schemas.ids import reward_id
from schemas.rewards import RefusalReason, RewardReason

_Sourced = tuple[str, Source]
_Team = tuple[str, str]
"""A program and a partner of it."""


class Meaning(Struct, frozen=True, gc=False):
    """By rewardId what stands, and by the id of a lead or sale why it earns nothing."""

    rewards: dict[str, Standing]
    refusals: dict[str, RefusalReason]


class _Events(NamedTuple):
    """Of reward events what they come to. ``held``: by rewardId, of the newest hold or release."""

    refunded: dict[str, int]
    held: dict[str, bool]
    cancelled: set[str]


def earned(workspace_id: str, customer: str, state: State) -> Meaning:
    """As if there were no caps."""
    events = _events(state.events.values()) if state.events else _NO_EVENTS
    found = Meaning({}, {})
    for (program_id, partner_id), (leads, sales) in _teams(state, found).items():
        paid = _lead(leads, found) if leads else []
        if sales:
            paid += _sales(sales, events, found)
        for of, standing in paid:
            identity = reward_id(workspace_id, program_id, partner_id, customer, of)
            found.rewards[identity] = _after_events(identity, standing, events) if state.events else standing
    return found


def meaning(state: State, earned: Meaning) -> Meaning:
    """Within the caps. Nothing of a reward that waits for its cap to decide; of one that was published and is
    earned no more, that it is taken back.
    """
    found = Meaning({}, dict(earned.refusals)) if state.shares else earned
    for identity, standing in earned.rewards.items() if state.shares else ():
        if waits(state.shares, identity):
            continue
        amount = standing.amount
        if standing.period:
            amount = granted(state.shares.get(identity, ()), standing.period)
        if amount or not standing.amount:
            found.rewards[identity] = _within(standing, amount)
        else:
            found.refusals[standing.source_id] = RefusalReason.CAPPED
            if identity in state.rewards:
                found.rewards[identity] = _cancelled(standing, RewardReason.CAPPED)
    for identity, published in state.rewards.items():
        if identity not in found.rewards and not waits(state.shares, identity):
            found.rewards[identity] = _taken_back(published, state, found)
    return found


def _within(standing: Standing, amount: int) -> Standing:
    if amount >= standing.amount:
        return standing
    return replace(standing, amount=amount, reason=standing.reason or RewardReason.CAPPED)


_NO_EVENTS: Final = _Events({}, {}, set())


def _events(noted: Iterable[Noted]) -> _Events:
    found = _Events(defaultdict(int), {}, set())
    newest: dict[str, Change] = {}
    for change in (one.change for one in noted):
        if change.kind == "refund":
            found.refunded[change.target] += change.amount
        elif change.kind == "cancel":
            found.cancelled.add(change.target)
        else:
            known = newest.get(change.target)
            newest[change.target] = change if known is None else max(known, change, key=_when)
    found.held.update({target: change.kind == "hold" for target, change in newest.items()})
    return found


def _when(change: Change) -> tuple[int, str]:
    return change.at_ms, change.event_id


def _teams(state: State, found: Meaning) -> dict[_Team, tuple[list[_Sourced], list[_Sourced]]]:
    """The leads of each partner, and its sales. What has none is refused."""
    teams: dict[_Team, tuple[list[_Sourced], list[_Sourced]]] = {}
    for source_id, source in state.sources.items():
        if source.program_id and source.partner_id:
            team = source.program_id, source.partner_id
            if team not in teams:
                teams[team] = [], []
            teams[team][source.kind == "sale"].append((source_id, source))
        else:
            found.refusals[source_id] = RefusalReason.NO_PARTNER
    return teams


def _lead(leads: list[_Sourced], found: Meaning) -> list[tuple[str, Standing]]:
    """The earliest lead that the policy pays for is the one that counts, whatever the others are called."""
    paid = []
    for source_id, source in leads:
        verdict = source.verdict
        if verdict is None:
            continue
        if verdict.refusal is not None:
            found.refusals[source_id] = verdict.refusal
        else:
            paid.append((source.at_ms, source_id, source, verdict))
    if not paid:
        return []
    if len(paid) > 1:
        paid.sort()
        for _, source_id, _, _ in paid[1:]:
            found.refusals[source_id] = RefusalReason.ALREADY_REWARDED
    _, source_id, source, verdict = paid[0]
    return [("lead", _standing(source_id, source, verdict, verdict.gross))]


def _sales(sold: list[_Sourced], events: _Events, found: Meaning) -> Iterator[tuple[str, Standing]]:
    """Each for itself, but for what the first paid one says of the others."""
    sales = sorted([(sale.at_ms, source_id, sale) for source_id, sale in sold])
    first = _first_paid(sales)
    for at_ms, source_id, sale in sales:
        is_first = source_id == first[1]
        verdict = sale.verdict if is_first else (sale.later or sale.verdict)
        if verdict is None:
            continue
        if verdict.refusal is not None:
            found.refusals[source_id] = verdict.refusal
        elif not is_first and _is_over(verdict.months, first[0], at_ms):
            found.refusals[source_id] = RefusalReason.OVER_DURATION
        else:
            left = max(sale.amount - events.refunded.get(source_id, 0), 0)
            yield source_id, _standing(source_id, sale, verdict, verdict.gross * left // sale.amount)


def _first_paid(sales: Iterable[tuple[int, str, Source]]) -> tuple[int, str]:
    """When, and which. ``sales``: by their times."""
    return next(((at_ms, source_id) for at_ms, source_id, sale in sales if sale.amount > 0), (0, ""))


def deciding(state: State) -> dict[str, Verdict]:
    """By the id of a lead or sale what the policy says of it, whether or not that was paid."""
    found = {}
    for leads, sold in _teams(state, Meaning({}, {})).values():
        first = _first_paid(sorted([(sale.at_ms, source_id, sale) for source_id, sale in sold]))
        for source_id, source in (*leads, *sold):
            verdict = source.verdict if source_id == first[1] else (source.later or source.verdict)
            if verdict is not None:
                found[source_id] = verdict
    return found


def _is_over(months: int, first_ms: int, at_ms: int) -> bool:
    return months != FOR_EVER and at_ms >= after_months(first_ms, months)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def after_months(at_ms: int, months: int) -> int:
    """The same day and time so many months later, in UTC; the last day of a month that is too short."""
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    years, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + years, month + 1
    moved = moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))
    return at_ms + (moved - moment) // timedelta(milliseconds=1)


def _standing(source_id: str, source: Source, verdict: Verdict, amount: int) -> Standing:
    reason = RewardReason.REFUNDED if amount < verdict.gross else None
    if verdict.self_referral:
        reason = RewardReason.SELF_REFERRAL
    return Standing(
        source.kind,
        source.program_id,
        source.partner_id,
        source_id,
        source.revision,
        verdict.version_ms,
        verdict.group,
        verdict.gross,
        amount,
        verdict.currency,
        source.at_ms,
        source.at_ms + verdict.holding_ms,
        "held" if verdict.self_referral else "earned",
        reason,
        verdict.period,
        verdict.limit,
    )


def _after_events(identity: str, standing: Standing, events: _Events) -> Standing:
    """A cancellation is final; of holds and releases the newest counts, also over a self-referral."""
    if identity in events.cancelled:
        return _cancelled(standing, RewardReason.CANCELLED)
    held = events.held.get(identity)
    if held:
        return replace(standing, status="held", reason=RewardReason.HELD)
    if held is False and standing.status == "held":
        refunded = standing.amount < standing.gross
        return replace(standing, status="earned", reason=RewardReason.REFUNDED if refunded else None)
    return standing


def _taken_back(published: Published, state: State, found: Meaning) -> Standing:
    standing = published.standing
    if standing.status == "cancelled" and standing.reason is RewardReason.CANCELLED:
        return standing
    source = state.sources[standing.source_id]
    if (source.program_id, source.partner_id) != (standing.program_id, standing.partner_id):
        return _cancelled(standing, RewardReason.MOVED)
    if source.verdict is None:
        return _cancelled(standing, RewardReason.UNDECIDED)
    return _cancelled(standing, RewardReason(found.refusals[standing.source_id].value))


def _cancelled(standing: Standing, reason: RewardReason) -> Standing:
    return replace(standing, amount=0, status="cancelled", reason=reason)
