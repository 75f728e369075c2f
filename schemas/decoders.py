"""What reads an event: by the topic that it came from, or by the ``type`` that it gives."""

from collections.abc import Mapping
from typing import Final

from schemas.decoding import (
    EventDecoder,
    decode_click,
    decode_erasure,
    decode_lead_event,
    decode_purchase,
)
from schemas.events import Click, Erasure, LeadEvent, Purchase
from schemas.topics import Topic

AnyDecoder = EventDecoder[Click] | EventDecoder[LeadEvent] | EventDecoder[Purchase] | EventDecoder[Erasure]

BY_TOPIC: Final[Mapping[str, AnyDecoder]] = {
    Topic.CLICKS: decode_click,
    # Either kind of lead event counts from either topic: one in the wrong topic is sent on, not refused.
    Topic.DEFERRED_LEADS: decode_lead_event,
    Topic.QUALIFICATIONS: decode_lead_event,
    Topic.PURCHASES: decode_purchase,
    Topic.ERASURES: decode_erasure,
}
BY_TYPE: Final[Mapping[str, AnyDecoder]] = {
    "click": decode_click,
    "lead": decode_lead_event,
    "purchase": decode_purchase,
    "erasure": decode_erasure,
}
