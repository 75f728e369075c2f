"""Bytes → event, or a typed refusal. The only way in: nothing else decodes what producers send."""

import re
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from msgspec.json import Decoder

from schemas.accepted import as_accepted
from schemas.close_names import CloseNames
from schemas.events import Click, Erasure, Event, LeadEvent, Purchase
from schemas.expecting import REGEX, told
from schemas.portable import whole_characters
from schemas.reasons import DeadLetterReason
from schemas.refused import UNDECODABLE, Refused, field_and_rule, out_of_range, refusal
from schemas.second_reading import SecondReading
from schemas.times import EARLIEST_MS, MAX_AHEAD_MS, to_ms

__all__ = [
    "UNDECODABLE",
    "EventDecoder",
    "Refused",
    "check_nesting",
    "decode_accepted_lead_event",
    "decode_accepted_purchase",
    "decode_click",
    "decode_click_as_sent",
    "decode_erasure",
    "decode_lead_event",
    "decode_purchase",
    "decoded",
    "field_and_rule",
    "refusal",
]

MAX_RECORD_BYTES: Final = 256 * 1024
"""The largest record that is read."""
MAX_NESTING: Final = 400
"""Arrays and objects inside each other. Far below what any call stack leaves to msgspec: an event that was
read once is read again, inside a touch, from a hold, in the sink."""

E = TypeVar("E", bound=Event)
T = TypeVar("T")


def decoded(decode: Callable[[bytes], T], value: bytes) -> T:
    """What ``decode`` makes of ``value``, half a character being U+FFFD. Raises :class:`Refused`."""
    try:
        if not value.isascii():
            value.decode()  # msgspec checks what it skips for everything but this
        return decode(value)
    except UNDECODABLE as error:
        text = whole_characters(value)
        if text is value:
            raise refusal(value, error) from None
    try:
        return decode(text)
    except UNDECODABLE as error:
        raise refusal(text, error) from None


class EventDecoder(Generic[E]):
    """Decodes and validates one type of event."""

    def __init__(self, kind: type[E]) -> None:
        self._kind = kind
        self._decode: Callable[[bytes], E] = Decoder(kind).decode
        self._second_reading = SecondReading(kind)
        self._close_names = CloseNames(kind)

    def __call__(self, value: bytes | None, record_ms: int, now_ms: int) -> tuple[E, int]:
        """The event, and its event time in epoch milliseconds.

        ``record_ms``: the Kafka record's time, used when the event has none (−1 = it has none either,
        then ``now_ms``). Raises :class:`Refused`.
        """
        event, event_ms, _ = self.read(value, record_ms, now_ms)
        return event, event_ms

    def read(self, value: bytes | None, record_ms: int, now_ms: int) -> tuple[E, int, bytes]:
        """As a call, and the text of the event: ``value``, but for what was not meant to the letter.

        That text can be carried along in other documents, and be read by any release.
        """
        if value is None or len(value) > MAX_RECORD_BYTES:
            raise _refused_size(value)
        try:
            if not value.isascii():
                value.decode()  # msgspec checks what it skips for everything but this
            if len(value) > 2 * MAX_NESTING:
                check_nesting(value)
            event = self._decode(value)
        except UNDECODABLE as error:
            event, value = self._read_again(value, error)
        stamp = event.timestamp
        if isinstance(stamp, int):
            event_ms = stamp
        elif stamp is None:
            event_ms = record_ms if record_ms >= 0 else now_ms
        else:
            event_ms = to_ms(stamp)
        if not EARLIEST_MS <= event_ms <= now_ms + MAX_AHEAD_MS:
            raise out_of_range(event_ms, now_ms, counted=isinstance(stamp, int))
        return event, event_ms, value

    def _read_again(self, value: bytes, error: Exception) -> tuple[E, bytes]:
        """Meant well, but not to the letter. Raises :class:`Refused` for anything else."""
        if isinstance(error, RecursionError):
            # What else is wrong with it is not said: how far one can look depends on how deep the stack is.
            raise Refused(DeadLetterReason.NOT_JSON, str(error))
        if isinstance(error, UnicodeDecodeError):
            raise refusal(value, error)
        text = whole_characters(value)
        try:
            text = self._second_reading(text)
            return self._decode(text), text
        except UNDECODABLE as still:
            raise self._with_the_cause(refusal(text, still), text) from None

    def _with_the_cause(self, refused: Refused, text: bytes) -> Refused:
        """What is required may be there under a name that is close to it; what a pattern asks for is said."""
        if refused.reason is not DeadLetterReason.SCHEMA_VIOLATION:
            return refused
        if _REQUIRED in refused.detail:
            for name in self._close_names(text):
                return Refused(refused.reason, f"{refused.detail} ({name})")
        elif REGEX in refused.detail:
            field, _, rule = refused.detail.partition(": ")
            return Refused(refused.reason, f"{field}: {told(self._kind, field, rule)}")
        return refused


_REQUIRED: Final = ": required"


class ClickDecoder(EventDecoder[Click]):
    """Blank texts are absent already."""

    def __call__(self, value: bytes | None, record_ms: int, now_ms: int) -> tuple[Click, int]:
        """As of any decoder."""
        click, event_ms, _ = self.read(value, record_ms, now_ms)
        return click.without_blanks(), event_ms


def _refused_size(value: bytes | None) -> Refused:
    if value is None:
        return Refused(DeadLetterReason.NOT_JSON, "no value")
    return Refused(DeadLetterReason.TOO_LARGE, f"{len(value)} bytes, at most {MAX_RECORD_BYTES}")


_NO_BRACKETS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[^][{}"]+', re.DOTALL)


def check_nesting(value: bytes, most: int = MAX_NESTING) -> None:
    """Raises ``RecursionError`` for what is nested deeper. Of what is no JSON nothing is said."""
    if value.count(b"[") + value.count(b"{") <= most:
        return
    depth = 0
    for bracket in _NO_BRACKETS.sub(b"", value):
        depth += 1 if bracket in b"[{" else -1
        if depth > most:
            raise RecursionError(f"nested deeper than {most}")


decode_click: Final = ClickDecoder(Click)
decode_click_as_sent: Final = EventDecoder(Click)
"""Its blank texts are left to whoever uses it (``texts.without_blanks``): for the worker, which uses few."""
decode_lead_event: Final = EventDecoder(LeadEvent)
decode_purchase: Final = EventDecoder(Purchase)
decode_erasure: Final = EventDecoder(Erasure)

decode_accepted_lead_event: Final = EventDecoder(as_accepted(LeadEvent))
decode_accepted_purchase: Final = EventDecoder(as_accepted(Purchase))
"""What a worker accepted when it came: the rules of texts and ids may have been others then, and whoever
waits, or is on the way from one join to the other, must not be lost to those of today."""
