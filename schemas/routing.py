"""Where an event belongs that says its own ``type``."""

from typing import Final, Literal, NamedTuple

from msgspec import Struct
from msgspec.json import Decoder

from schemas.decoders import BY_TYPE
from schemas.decoding import MAX_RECORD_BYTES, Refused, decoded
from schemas.events import AnyEvent, Click, Erasure, LeadEvent, Purchase
from schemas.reasons import DeadLetterReason
from schemas.reward_decoding import REWARDS_BY_TYPE
from schemas.reward_events import SENT_TYPES, AnyRewardEvent, Cancel, Hold, Refund, Release
from schemas.topics import Topic

SentEvent = AnyEvent | AnyRewardEvent


class Place(NamedTuple):
    """The topic and the record key of an event, and its type."""

    topic: Topic
    key: bytes
    type: str


class Routed(NamedTuple):
    """An event, the topic and the record key where it belongs, and its time in epoch milliseconds."""

    topic: Topic
    key: bytes
    event: AnyEvent
    at_ms: int


class _Typed(Struct, gc=False):
    type: Literal["click", "lead", "purchase", "erasure", "refund", "hold", "release", "cancel"]


_type_of: Final = Decoder(_Typed).decode
_TYPES: Final = ", ".join(SENT_TYPES)


def place_of(value: bytes, now_ms: int) -> Place:
    """Decodes like whoever reads it, so that what has a place is no dead letter. Raises ``Refused``."""
    return place(decoded_as(kind_of(value), value, now_ms))


def place(event: SentEvent) -> Place:
    """Of an event that is decoded."""
    return Place(topic_of(event), event.topic_key(), event.type_name)


def decoded_as(kind: str, value: bytes, now_ms: int) -> SentEvent:
    """The event, by the type that it gives. Raises ``Refused``."""
    if kind in REWARDS_BY_TYPE:
        return REWARDS_BY_TYPE[kind](value, -1, now_ms)[0]
    return BY_TYPE[kind](value, -1, now_ms)[0]


def routed_of(value: bytes, now_ms: int) -> Routed:
    """Of an event that leads or sales come of: its place, and the event. Raises ``Refused``."""
    return routed(*BY_TYPE[kind_of(value)](value, -1, now_ms))


def routed(event: AnyEvent, at_ms: int) -> Routed:
    """The same of an event that is decoded."""
    return Routed(topic_of(event), event.topic_key(), event, at_ms)


def topic_of(event: SentEvent) -> Topic:
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
        case Refund() | Hold() | Release() | Cancel():
            return Topic.REWARD_EVENTS


def kind_of(value: bytes) -> str:
    """Its ``type``. Raises ``Refused``."""
    if len(value) > MAX_RECORD_BYTES:
        raise Refused(DeadLetterReason.TOO_LARGE, f"more than {MAX_RECORD_BYTES} bytes")
    try:
        return decoded(_type_of, value).type
    except Refused as refused:
        if refused.reason is DeadLetterReason.SCHEMA_VIOLATION:
            told = f"{refused.detail} ({_TYPES})"
            raise Refused(refused.reason, told) from None
        raise
