"""The transition of W1, for every contestant in Python: what differs between them is the system around it.

State is bytes, None before the first event. Needs nothing but msgspec.
"""

from hashlib import blake2b

import msgspec
from msgspec import Raw, Struct


class Deferred(Struct, rename="camel", gc=False):
    """A deferred event; of a lead it is what the click and the sign-up say."""

    click_id: str
    workspace_id: str
    customer_external_id: str
    event_name: str
    customer_name: str
    customer_email: str
    link_id: str
    partner_id: str
    metadata: Raw


class Qualified(Struct, rename="camel", gc=False):
    """A qualification."""

    event_id: str
    timestamp: int
    event_quantity: int
    metadata: Raw


class Lead(Struct, rename="camel", gc=False):
    """What comes out."""

    lead_id: str
    click_id: str
    workspace_id: str
    customer_external_id: str
    event_name: str
    customer_name: str
    customer_email: str
    link_id: str
    partner_id: str
    metadata: Raw
    qualified_by: Qualified


class State(Struct, array_like=True, gc=False):
    """``waiting``: a qualification that came first."""

    click: Deferred | None = None
    emitted: bool = False
    waiting: Qualified | None = None


decode_deferred = msgspec.json.Decoder(Deferred).decode
decode_qualified = msgspec.json.Decoder(Qualified).decode
decode_state = msgspec.json.Decoder(State).decode
encode = msgspec.json.Encoder().encode


def on_deferred(state: State | None, click: Deferred) -> tuple[State, bytes | None]:
    """The state after it, and a lead if there is one. The same state: nothing has changed."""
    if state is None:
        return State(click), None
    if state.click is not None:
        return state, None
    if state.waiting is None:
        return State(click, state.emitted), None
    return State(click, emitted=True), _lead(click, state.waiting)


def on_qualified(state: State | None, event: Qualified) -> tuple[State, bytes | None]:
    """Likewise."""
    if state is None:
        return State(waiting=event), None
    if state.emitted or state.waiting is not None:
        return state, None
    if state.click is None:
        return State(waiting=event), None
    return State(state.click, emitted=True), _lead(state.click, event)


def apply(state: bytes | None, is_deferred: bool, value: bytes) -> tuple[bytes | None, bytes | None]:
    """Both, on bytes: the state to store (None: as it was), and a lead or None."""
    before = decode_state(state) if state else None
    if is_deferred:
        after, lead = on_deferred(before, decode_deferred(value))
    else:
        after, lead = on_qualified(before, decode_qualified(value))
    return (None if after is before else encode(after)), lead


def _lead(click: Deferred, by: Qualified) -> bytes:
    name = f"{click.workspace_id}\x1f{click.customer_external_id}\x1f{click.event_name}"
    return encode(
        Lead(
            blake2b(name.encode(), digest_size=16).hexdigest(),
            click.click_id,
            click.workspace_id,
            click.customer_external_id,
            click.event_name,
            click.customer_name,
            click.customer_email,
            click.link_id,
            click.partner_id,
            click.metadata,
            by,
        )
    )
