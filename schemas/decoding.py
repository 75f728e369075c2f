"""Bytes → event, or a typed refusal. The only way in: nothing else decodes what producers send."""

import re
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from msgspec import DecodeError, Raw
from msgspec.json import Decoder

from schemas.events import Click, Erasure, Event, LeadEvent, Purchase
from schemas.reasons import DeadLetterReason
from schemas.times import EARLIEST_MS, MAX_AHEAD_MS, rfc3339, to_ms

MAX_RECORD_BYTES: Final = 256 * 1024
"""The largest record that is read (contract section 3)."""
MAX_NESTING: Final = 400
"""Arrays and objects inside each other. Far below what any call stack leaves to msgspec: an event that was
read once is read again, inside a touch, from a hold, in the sink."""
_MAX_DETAIL: Final = 500

E = TypeVar("E", bound=Event)


class Refused(Exception):
    """These bytes are no event. ``reason`` says of which kind, ``detail`` names field and rule."""

    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        self.reason = reason
        # It may quote the value, which may be all of the record.
        self.detail = detail if len(detail) <= _MAX_DETAIL else detail[: _MAX_DETAIL - 1] + "…"
        super().__init__(f"{reason}: {self.detail}")


class EventDecoder(Generic[E]):
    """Decodes and validates one type of event."""

    def __init__(self, kind: type[E]) -> None:
        self._decode: Callable[[bytes], E] = Decoder(kind).decode

    def __call__(self, value: bytes | None, record_ms: int, now_ms: int) -> tuple[E, int]:
        """The event, and its event time in epoch milliseconds.

        ``record_ms``: the Kafka record's time, used when the event has none (−1 = it has none either,
        then ``now_ms``). Raises :class:`Refused`.
        """
        if value is None or len(value) > MAX_RECORD_BYTES:
            raise _refused_size(value)
        try:
            if not value.isascii():
                value.decode()  # msgspec checks what it skips for everything but this
            if len(value) > 2 * MAX_NESTING:
                _check_nesting(value)
            event = self._decode(value)
        except UNDECODABLE as error:
            raise refusal(value, error) from None
        stamp = event.timestamp
        if isinstance(stamp, int):
            event_ms = stamp
        elif stamp is None:
            event_ms = record_ms if record_ms >= 0 else now_ms
        else:
            event_ms = to_ms(stamp)
        if not EARLIEST_MS <= event_ms <= now_ms + MAX_AHEAD_MS:
            raise _out_of_range(event_ms)
        return event, event_ms


def _refused_size(value: bytes | None) -> Refused:
    if value is None:
        return Refused(DeadLetterReason.NOT_JSON, "no value")
    return Refused(DeadLetterReason.TOO_LARGE, f"{len(value)} bytes, at most {MAX_RECORD_BYTES}")


UNDECODABLE: Final = (DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding may raise."""

_BLANKS: Final = b" \t\r\n"
_check_syntax: Final = Decoder(Raw).decode


def refusal(value: bytes, error: Exception) -> Refused:
    """Why ``value`` could not be decoded, ``error`` being one of :data:`UNDECODABLE`.

    A decoder stops at the first breach, and may not have come to the place where the value is no JSON at all.
    """
    try:
        value.decode()
        _check_syntax(value)
    except RecursionError:
        return Refused(DeadLetterReason.NOT_JSON, "nested too deeply")
    except (DecodeError, UnicodeDecodeError) as malformed:
        return Refused(DeadLetterReason.NOT_JSON, str(malformed))
    if isinstance(error, RecursionError):
        return Refused(DeadLetterReason.NOT_JSON, str(error))
    if not value.lstrip(_BLANKS).startswith(b"{"):
        return Refused(DeadLetterReason.NOT_AN_OBJECT, str(error))
    if str(error) == "Integer value out of range - at `$.timestamp`":
        return Refused(DeadLetterReason.TIMESTAMP_OUT_OF_RANGE, field_and_rule(str(error)))
    return Refused(DeadLetterReason.SCHEMA_VIOLATION, field_and_rule(str(error)))


_NO_BRACKETS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[^][{}"]+', re.DOTALL)


def _check_nesting(value: bytes) -> None:
    """Raises ``RecursionError``."""
    if value.count(b"[") + value.count(b"{") <= MAX_NESTING:
        return
    depth = 0
    for bracket in _NO_BRACKETS.sub(b"", value):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_NESTING:
            raise RecursionError(f"nested deeper than {MAX_NESTING}")


_AT_FIELD: Final = re.compile(r"^(?P<rule>.*) - at `\$\.(?P<field>[^`]+)`$", re.DOTALL)
_MISSING: Final = re.compile(r"^Object missing required field `(?P<field>[^`]+)`$")


def field_and_rule(text: str) -> str:
    """msgspec's message, field first: ``clickId: Expected `str`, got `int```."""
    if match := _AT_FIELD.match(text):
        return f"{match['field']}: {match['rule']}"
    if match := _MISSING.match(text):
        return f"{match['field']}: required"
    return text.removesuffix(" - at `$`")


def _out_of_range(event_ms: int) -> Refused:
    try:
        detail = f"timestamp: {rfc3339(event_ms)}"
    except OverflowError:
        detail = f"timestamp: {event_ms} ms"
    return Refused(
        DeadLetterReason.TIMESTAMP_OUT_OF_RANGE,
        f"{detail} is before 2000 or more than 24 h in the future",
    )


decode_click: Final = EventDecoder(Click)
decode_lead_event: Final = EventDecoder(LeadEvent)
decode_purchase: Final = EventDecoder(Purchase)
decode_erasure: Final = EventDecoder(Erasure)
