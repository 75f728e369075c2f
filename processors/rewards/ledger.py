"""Keyed by customer: leads, sales and events about rewards become the ledger (docs/rewards.md)."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from processors.rewards.caps import waits, with_answer
from processors.rewards.facts import Change, Earning, Forgotten, Granted, RewardFact
from processors.rewards.judging import NO_POLICY, judge
from processors.rewards.policy import Policies
from processors.rewards.settling import Output, Who, refusal_of_event, refusal_of_source, settled
from processors.rewards.state import Held, Noted, Source, State, dump
from schemas.rewards import RefusalReason, RewardRefusal
from schemas.times import MINUTE_MS

Step = tuple[State, list[Output]]

_EMPTY: Final = State()
_BOUNDED: Final = (Earning, Change)
_LARGEST: Final = 64 << 10
"""Bytes of a lead or sale that waits, with all of its metadata."""
_FIRST_LOOK_MS: Final = MINUTE_MS
"""How soon somebody looks whether there is a policy by now; then after twice that time, and so on."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is remembered of one customer. What is beyond it earns nothing, and changes nothing.

    ``state_bytes``: as they are stored.
    """

    sources: int = 2_000
    events: int = 2_000
    state_bytes: int = 8 << 20

    def no_room(self, state: State) -> bool:
        """Is this more than may be stored? Little never is, and need not be encoded."""
        known = len(state.sources) + len(state.events) + len(state.rewards)
        return known * _LARGEST > self.state_bytes and len(dump(state)) > self.state_bytes


@dataclass(frozen=True, slots=True)
class Ledger:
    """The rules, for any customer. ``hold_ms``: how long a fact waits for the one that it needs.

    ``now_ms`` of :meth:`expire` may lie before that of an :meth:`apply` that came earlier.
    """

    policies: Policies
    hold_ms: int
    bounds: Bounds = Bounds()

    def with_policies(self, policies: Policies) -> "Ledger":
        """The same, by these."""
        return dataclasses.replace(self, policies=policies)

    def apply(self, who: Who, state: State | None, fact: RewardFact, now_ms: int) -> Step:
        """Add a fact about this customer. The same state: it changed nothing."""
        before = state or _EMPTY
        match fact:
            case Earning():
                after, refused = self._with_earning(who, before, fact, now_ms)
            case Change():
                after, refused = self._with_change(who, before, fact, now_ms)
            case Granted():
                after, refused = self._with_answer(before, fact), []
            case Forgotten():
                after, refused = self._forgotten(before), []
        if after is before:
            return before, refused
        after, outputs = settled(who, self._looked_at(who, after, now_ms, all_of_them=True), now_ms)
        if isinstance(fact, _BOUNDED) and self.bounds.no_room(after):
            return before, [_too_many(who, fact)]
        return after, [*refused, *outputs]

    def expire(self, who: Who, state: State, now_ms: int) -> Step:
        """What time alone changes: holds that are over, rewards that become payable."""
        looked_at = self._looked_at(who, state, now_ms, all_of_them=False)
        after, outputs = settled(who, looked_at, now_ms)
        over = {one.change.event_id: one for one in _waiting(after) if self._is_over(one.arrived_ms, now_ms)}
        if over:
            left = {event_id: one for event_id, one in after.events.items() if event_id not in over}
            after = replace(after, events=left)
        return after, [*outputs, *(refusal_of_event(who, one.change) for one in over.values())]

    def due_ms(self, state: State) -> int | None:
        """When :meth:`expire` has something to do."""
        due = [one.held.look_ms for one in state.sources.values() if one.held is not None]
        for identity, reward in state.rewards.items():
            if reward.status == "pending" and not waits(state.shares, identity):
                due.append(reward.standing.payable_ms)
        if state.events:
            due += [one.arrived_ms + self.hold_ms for one in _waiting(state)]
        return min(due) if due else None

    def _with_earning(self, who: Who, state: State, earning: Earning, now_ms: int) -> Step:
        known = state.sources.get(earning.source_id)
        if known is not None and known.revision >= earning.revision:
            return state, []
        if known is None and len(state.sources) >= self.bounds.sources:
            return state, [_too_many(who, earning)]
        said, refusals = (None, 0) if known is None else (known.said, known.refusals)
        held = Held(earning, now_ms, now_ms)
        waiting = Source(
            earning.kind,
            earning.revision,
            earning.at_ms,
            earning.program_id,
            earning.partner_id,
            earning.amount,
            None,
            None,
            held,
            said,
            refusals,
        )
        source = self._decided(who, waiting, held, now_ms, erased=state.erased)
        return replace(state, sources={**state.sources, earning.source_id: source}), []

    def _with_change(self, who: Who, state: State, change: Change, now_ms: int) -> Step:
        known = state.events.get(change.event_id)
        if known is not None and known.change <= change:
            return state, []
        if known is None and len(state.events) >= self.bounds.events:
            return state, [_too_many(who, change)]
        noted = Noted(change, now_ms if known is None else known.arrived_ms)
        return replace(state, events={**state.events, change.event_id: noted}), []

    @staticmethod
    def _with_answer(state: State, fact: Granted) -> State:
        known = state.shares.get(fact.reward_id, ())
        after = with_answer(known, fact.period, fact.number, fact.amount)
        return state if after is known else replace(state, shares={**state.shares, fact.reward_id: after})

    @staticmethod
    def _forgotten(state: State) -> State:
        """What waits is decided at once, so that nothing is kept of what it says."""
        return state if state.erased else replace(state, erased=True)

    def _looked_at(self, who: Who, state: State, now_ms: int, *, all_of_them: bool) -> State:
        """What waits for a policy, and has it by now, or has waited for too long."""
        changed = {}
        for source_id, source in state.sources.items():
            held = source.held
            if held is not None and (all_of_them or held.look_ms <= now_ms):
                changed[source_id] = self._decided(who, source, held, now_ms, erased=state.erased)
        return replace(state, sources={**state.sources, **changed}) if changed else state

    def _decided(self, who: Who, source: Source, held: Held, now_ms: int, *, erased: bool) -> Source:
        earning = held.earning
        if earning.at_ms > now_ms and not erased:
            # Until then there may be another version for its time.
            return replace(source, held=replace(held, look_ms=earning.at_ms))
        verdict = judge(who.workspace_id, earning, self.policies, new=True)
        if verdict is None and (erased or self._is_over(held.arrived_ms, now_ms)):
            verdict = NO_POLICY
        if verdict is None:
            waited_ms = max(now_ms - held.arrived_ms, _FIRST_LOOK_MS)
            look_ms = min(now_ms + waited_ms, held.arrived_ms + self.hold_ms)
            return source if now_ms < held.look_ms else replace(source, held=replace(held, look_ms=look_ms))
        later = None
        if earning.kind == "sale":
            later = judge(who.workspace_id, earning, self.policies, new=False)
        return replace(source, verdict=verdict, later=None if later == verdict else later, held=None)

    def _is_over(self, arrived_ms: int, now_ms: int) -> bool:
        return arrived_ms + self.hold_ms <= now_ms


def _too_many(who: Who, fact: Earning | Change) -> RewardRefusal:
    if isinstance(fact, Earning):
        return refusal_of_source(who, fact, RefusalReason.TOO_MANY)
    return refusal_of_event(who, fact, RefusalReason.TOO_MANY)


def _waiting(state: State) -> Iterator[Noted]:
    """Events whose sale or reward has not come yet."""
    for noted in state.events.values():
        known = state.sources if noted.change.kind == "refund" else state.rewards
        if noted.change.target not in known:
            yield noted
