"""Where an event belongs that says its own ``type``."""

from typing import Final, Literal, NamedTuple

from msgspec import Struct
from msgspec.json import Decoder

from schemas.decoders import BY_TYPE
from schemas.decoding import MAX_RECORD_BYTES, Refused, decoded
from schemas.events import AnyEvent, Click, Erasure, LeadEvent, Purchase
from schemas.reasons import DeadLetterReason
from schemas.topics import Topic


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
    type: Literal["click", "lead", "purchase", "erasure"]


_type_of: Final = Decoder(_Typed).decode


def place_of(value: bytes, now_ms: int) -> Place:
    """Decodes like the worker does, so that what has a place is no dead letter. Raises ``Refused``."""
    routed = routed_of(value, now_ms)
    return Place(routed.topic, routed.key, routed.event.type_name)


def routed_of(value: bytes, now_ms: int) -> Routed:
    """As :func:`place_of`, for whoever needs the event, too."""
    return routed(*BY_TYPE[kind_of(value)](value, -1, now_ms))


def routed(event: AnyEvent, at_ms: int) -> Routed:
    """The same of an event that is decoded."""
    return Routed(topic_of(event), event.topic_key(), event, at_ms)


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


def kind_of(value: bytes) -> str:
    """Its ``type``. Raises ``Refused``."""
    if len(value) > MAX_RECORD_BYTES:
        raise Refused(DeadLetterReason.TOO_LARGE, f"more than {MAX_RECORD_BYTES} bytes")
    try:
        return decoded(_type_of, value).type
    except Refused as refused:
        if refused.reason is DeadLetterReason.SCHEMA_VIOLATION:
            told = f"{refused.detail} (click, lead, purchase or erasure)"
            raise Refused(refused.reason, told) from None
        raise
