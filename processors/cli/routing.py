"""Where events belong: by their topic, or by the ``type`` that they say themselves."""

from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple

from msgspec import Struct
from msgspec.json import Decoder

from schemas.decoding import (
    MAX_RECORD_BYTES,
    Refused,
    decode_click,
    decode_erasure,
    decode_lead_event,
    decode_purchase,
    decoded,
)
from schemas.events import AnyEvent, Click, Erasure, LeadEvent, Purchase
from schemas.reasons import DeadLetterReason
from schemas.topics import Topic


class Place(NamedTuple):
    """The topic and the record key of an event, and its type."""

    topic: Topic
    key: bytes
    type: str


class _Typed(Struct, gc=False):
    type: Literal["click", "lead", "purchase", "erasure"]


Decode = Callable[[bytes | None, int, int], tuple[AnyEvent, int]]
"""Value, time of the record, now → the event and its time. Raises ``Refused``."""
DECODERS: Final[Mapping[Topic, Decode]] = {
    Topic.CLICKS: decode_click,
    Topic.DEFERRED_LEADS: decode_lead_event,
    Topic.QUALIFICATIONS: decode_lead_event,
    Topic.PURCHASES: decode_purchase,
    Topic.ERASURES: decode_erasure,
}
"""How the workers read each topic of events."""

_type_of: Final = Decoder(_Typed).decode
_decoders: Final[dict[str, Decode]] = {
    "click": decode_click,
    "lead": decode_lead_event,
    "purchase": decode_purchase,
    "erasure": decode_erasure,
}


def place_of(value: bytes, now_ms: int) -> Place:
    """Decodes like the worker does, so that what has a place is no dead letter. Raises ``Refused``."""
    kind = _kind(value)
    event, _ = _decoders[kind](value, -1, now_ms)
    return Place(topic_of(event), event.topic_key(), kind)


def topic_of(event: AnyEvent) -> Topic:
    """The topic where such an event belongs."""
    match event:
        case LeadEvent():
            return Topic.DEFERRED_LEADS if event.click_id else Topic.QUALIFICATIONS
        case Click():
            return Topic.CLICKS
        case Purchase():
            return Topic.PURCHASES
        case Erasure():
            return Topic.ERASURES


def _kind(value: bytes) -> str:
    if len(value) > MAX_RECORD_BYTES:
        raise Refused(DeadLetterReason.TOO_LARGE, f"more than {MAX_RECORD_BYTES} bytes")
    try:
        return decoded(_type_of, value).type
    except Refused as refused:
        if refused.reason is DeadLetterReason.SCHEMA_VIOLATION:
            told = f"{refused.detail} (click, lead, purchase or erasure)"
            raise Refused(refused.reason, told) from None
        raise
