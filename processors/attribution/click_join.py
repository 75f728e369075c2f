"""Keyed by click: a lead event meets its click and leaves as a touch (docs/rules.md, 1-4).

Which lead events make a touch is not decided here but in the customer join, where all of them meet. Nor is
anything of a lead event published from here: only its customer knows whether that was erased.
"""

from msgspec import Raw, Struct
from msgspec.json import encode as encode_json
from msgspec.msgpack import Decoder, Encoder
from msgspec.structs import replace

from processors.attribution.bounds import Bounds
from processors.attribution.clicks import (
    StoredClick,
    earlier,
    present,
    remember,
    same,
    same_apart_from_time,
    travelling,
)
from processors.attribution.facts import (
    Fact,
    Held,
    NewerState,
    earliest_due_ms,
    hold,
    source_of,
    suppressed,
    unmatched,
)
from processors.attribution.policy import Policy
from schemas.decoding import decode_accepted_lead_event
from schemas.events import Click, LeadEvent
from schemas.ids import customer_id
from schemas.news import ClickMoved, GivenUp, Joined, News, Waits
from schemas.reasons import UnmatchedReason
from schemas.results import ClickErasure, Source, Unmatched

VERSION = b"\x01"
"""First byte of a stored state. Fields are only ever appended, so an older state of a version decodes too."""


class ClickState(Struct, frozen=True, array_like=True, gc=False):
    """All that is known of one clickId.

    ``customers``: whose lead events were joined; they hear of it when another click event turns out to be
    the one that counts. ``held``: lead events that came before their click. ``bot``: a bot used this clickId.
    """

    click: StoredClick | None = None
    customers: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()
    bot: bool = False


Output = News | Unmatched
ClickFact = Fact[Click] | Fact[LeadEvent] | ClickErasure
Step = tuple[ClickState | None, list[Output]]

_EMPTY = ClickState()
_BOT = "its click was made by a bot"
_encode = Encoder().encode
_decode = Decoder(ClickState).decode


def dump(state: ClickState) -> bytes:
    """The state as it is stored."""
    return VERSION + _encode(state)


def load(raw: bytes) -> ClickState:
    """Inverse of :func:`dump`; raises :class:`NewerState` for a version from the future."""
    if raw[:1] != VERSION:
        raise NewerState(f"click state of unknown version {raw[0]}: written by a newer release")
    return _decode(memoryview(raw)[1:])


def due_ms(state: ClickState, policy: Policy) -> int | None:
    """When :func:`expire` has something to do."""
    return earliest_due_ms(state.held, policy.hold_ms) if state.held else None


def apply(state: ClickState | None, fact: ClickFact, now_ms: int, policy: Policy) -> Step:
    """Add a click or a lead event that names one, or forget a person."""
    if isinstance(fact, ClickErasure):
        return (None, []) if state is None else _forget(state, fact)
    if isinstance(fact.event, LeadEvent):
        return _lead_event(state or _EMPTY, fact, now_ms, policy)
    if fact.event.bot:
        return _bot(state or _EMPTY, fact)
    click = remember(fact.event, fact.at_ms)
    if state is None:
        return ClickState(click), []
    return _click(state, click, fact)


def expire(state: ClickState, now_ms: int, policy: Policy) -> Step:
    """Give up the lead events whose click did not come within the hold."""
    waiting = tuple(held for held in state.held if held.arrived_ms + policy.hold_ms > now_ms)
    given_up = [held for held in state.held if held.arrived_ms + policy.hold_ms <= now_ms]
    if not given_up:
        return state, []
    outputs: list[Output] = [
        _given_up(held, UnmatchedReason.CLICK_NOT_FOUND, "no click with this clickId arrived within the hold")
        for held in given_up
        if not held.reported
    ]
    left = replace(state, held=waiting)
    return (None if left == _EMPTY else left), outputs


def _lead_event(state: ClickState, fact: Fact[LeadEvent], now_ms: int, policy: Policy) -> Step:
    event, record = fact.event, fact.record
    if state.click is not None:
        touch = _touch(event, state.click, record.value, source_of(record))
        known = event.customer in state.customers or len(state.customers) >= policy.bounds.click_customers
        return state if known else replace(state, customers=(*state.customers, event.customer)), [touch]
    if _waits_already(state, fact):
        if not state.bot:
            return state, []
        # What was reported when it began to wait is not reported again when it ends.
        return state, [_refused(UnmatchedReason.BOT_CLICK, _BOT, event, record.value, source_of(record))]
    if why := _no_room(state, record.value, policy.bounds):
        return state, [_refused(UnmatchedReason.TOO_MANY_HELD, why, event, record.value, source_of(record))]
    held = hold(record, now_ms, reported=state.bot)
    outputs: list[Output] = [_waits(event)]
    if state.bot:
        outputs.append(_named_a_bot(held))
    return replace(state, held=(*state.held, held)), outputs


def _no_room(state: ClickState, raw: bytes, bounds: Bounds) -> str | None:
    if len(state.held) >= bounds.click_held:
        return f"{bounds.click_held} lead events wait for this click already"
    if sum([len(held.raw) for held in state.held]) + len(raw) > bounds.state_bytes:
        return bounds.out_of_bytes()
    return None


def _waits_already(state: ClickState, fact: Fact[LeadEvent]) -> bool:
    """A retry storm must not fill the hold. Without a time of its own, an event is one with its record."""
    event, record = fact.event, fact.record
    return any(
        held.raw == record.value and (event.timestamp is not None or held.timestamp == record.timestamp)
        for held in state.held
    )


def _bot(state: ClickState, fact: Fact[Click]) -> Step:
    click, at_ms, record = fact.event, fact.at_ms, fact.record
    outputs: list[Output] = [
        unmatched(UnmatchedReason.BOT_CLICK, "made by a bot", click, at_ms, record.value, source_of(record))
    ]
    if state.click is not None or state.bot:
        return state, outputs
    outputs += [_named_a_bot(held) for held in state.held]
    return replace(state, bot=True, held=tuple(replace(held, reported=True) for held in state.held)), outputs


def _click(state: ClickState, click: StoredClick, fact: Fact[Click]) -> Step:
    known = state.click
    if known is None:
        return _first_click(state, click)
    if same(click, known):
        return state, []
    winner = earlier(known, click)
    outputs: list[Output] = []
    if not (fact.event.timestamp is None and same_apart_from_time(known, click)):
        outputs.append(_conflict(fact, loser=known if winner is click else None))
    if winner is known:
        return state, outputs
    outputs += [
        ClickMoved(
            workspace_id=fact.event.workspace_id,
            customer_external_id=customer,
            click_id=fact.event.click_id,
            click=travelling(click),
        )
        for customer in state.customers
    ]
    return replace(state, click=click), outputs


def _first_click(state: ClickState, click: StoredClick) -> Step:
    events = [(_event_of(held)[0], held) for held in state.held]
    touches: list[Output] = [_touch(event, click, held.raw, held.source()) for event, held in events]
    customers = tuple(dict.fromkeys(event.customer for event, _ in events))
    return replace(state, click=click, held=(), customers=customers), touches


def _touch(event: LeadEvent, click: StoredClick, raw: bytes, source: Source) -> Joined:
    return Joined(
        workspace_id=event.workspace_id,
        customer_external_id=event.customer,
        click_id=event.click_id or "",
        click=travelling(click),
        event=Raw(raw),
        source=source,
    )


def _event_of(held: Held) -> tuple[LeadEvent, int]:
    # The event was valid when it arrived; its own arrival is the clock, so that it still is.
    return decode_accepted_lead_event(held.raw, held.timestamp, held.arrived_ms)


def _named_a_bot(held: Held) -> GivenUp:
    return _given_up(held, UnmatchedReason.BOT_CLICK, _BOT)


def _given_up(held: Held, reason: UnmatchedReason, detail: str) -> GivenUp:
    return _refused(reason, detail, _event_of(held)[0], held.raw, held.source())


def _refused(reason: UnmatchedReason, detail: str, event: LeadEvent, raw: bytes, source: Source) -> GivenUp:
    return GivenUp(
        workspace_id=event.workspace_id,
        customer_external_id=event.customer,
        click_id=event.click_id or "",
        reason=reason,
        detail=detail,
        event=Raw(raw),
        source=source,
    )


def _waits(event: LeadEvent) -> Waits:
    """So that an erasure of the customer finds what waits here."""
    return Waits(
        workspace_id=event.workspace_id,
        customer_external_id=event.customer,
        click_id=event.click_id or "",
    )


def _forget(state: ClickState, erasure: ClickErasure) -> Step:
    """Nothing of an erased person stays here (docs/rules.md, 17); of another one only what waits."""

    def is_theirs(customer: str) -> bool:
        return customer_id(erasure.workspace_id, customer) == erasure.customer_id

    outputs: list[Output] = []
    left = replace(
        state, customers=tuple([customer for customer in state.customers if not is_theirs(customer)])
    )
    if erasure.erased and state.held:
        events = [(*_event_of(held), held) for held in state.held]
        outputs = [
            suppressed(event, at_ms, held.source())
            for event, at_ms, held in events
            if is_theirs(event.customer) and not held.reported
        ]
        left = replace(left, held=tuple([held for event, _, held in events if not is_theirs(event.customer)]))
    if left == state:
        return state, []
    return (None if left == _EMPTY else left), outputs


def _conflict(fact: Fact[Click], loser: StoredClick | None) -> Unmatched:
    """``loser``: the click that counted until now; of it only what a lead needs was kept."""
    event, at_ms, raw = fact.event, fact.at_ms, fact.record.value
    if loser is not None:
        loser = present(loser)
        fields = {name: getattr(loser, name) for name in StoredClick.__struct_fields__}
        event = Click(workspace_id=event.workspace_id, click_id=event.click_id, **fields)
        at_ms, raw = loser.timestamp, encode_json(event)
    detail = "an earlier click event with the same clickId and other content counts"
    return unmatched(UnmatchedReason.CLICK_CONFLICT, detail, event, at_ms, raw, source_of(fact.record))
