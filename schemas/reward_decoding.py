"""Bytes → an event about rewards, or a typed refusal."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct
from msgspec.json import Decoder

from schemas.decoding import MAX_RECORD_BYTES, EventDecoder, Refused, decoded
from schemas.reasons import DeadLetterReason
from schemas.reward_events import AnyRewardEvent, Cancel, Hold, Refund, Release

AnyRewardDecoder = EventDecoder[Refund] | EventDecoder[Hold] | EventDecoder[Release] | EventDecoder[Cancel]

REWARDS_BY_TYPE: Final[Mapping[str, AnyRewardDecoder]] = {
    "refund": EventDecoder(Refund),
    "hold": EventDecoder(Hold),
    "release": EventDecoder(Release),
    "cancel": EventDecoder(Cancel),
}


class _Typed(Struct, gc=False):
    type: Literal["refund", "hold", "release", "cancel"]


_type_of: Final = Decoder(_Typed).decode


def decode_reward_event(value: bytes | None, record_ms: int, now_ms: int) -> tuple[AnyRewardEvent, int]:
    """As any :class:`EventDecoder`, by the ``type`` that it gives. Raises ``Refused``."""
    kind = "refund"
    if value is not None and len(value) <= MAX_RECORD_BYTES:  # else any decoder says why not
        try:
            kind = decoded(_type_of, value).type
        except Refused as refused:
            if refused.reason is DeadLetterReason.SCHEMA_VIOLATION:
                told = f"{refused.detail} ({', '.join(REWARDS_BY_TYPE)})"
                raise Refused(refused.reason, told) from None
            raise
    return REWARDS_BY_TYPE[kind](value, record_ms, now_ms)
