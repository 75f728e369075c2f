"""Why bytes are no event: the reason of a dead letter, and a detail that names the cause."""

import re
from typing import Final

from msgspec import DecodeError, Raw
from msgspec.json import Decoder

from schemas.reasons import DeadLetterReason
from schemas.times import EARLIEST_MS, MAX_AHEAD_MS, rfc3339

_MAX_DETAIL: Final = 500

UNDECODABLE: Final = (DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding may raise."""


class Refused(Exception):
    """These bytes are no event. ``reason`` says of which kind, ``detail`` names field and rule."""

    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        self.reason = reason
        # It may quote the value, which may be all of the record.
        self.detail = detail if len(detail) <= _MAX_DETAIL else detail[: _MAX_DETAIL - 1] + "…"
        super().__init__(f"{reason}: {self.detail}")


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
        return Refused(DeadLetterReason.NOT_JSON, _other_format(value) or str(malformed))
    if isinstance(error, RecursionError):
        return Refused(DeadLetterReason.NOT_JSON, str(error))
    if not value.lstrip(_BLANKS).startswith(b"{"):
        return Refused(DeadLetterReason.NOT_AN_OBJECT, str(error))
    if str(error) == "Integer value out of range - at `$.timestamp`":
        return Refused(DeadLetterReason.TIMESTAMP_OUT_OF_RANGE, field_and_rule(str(error)))
    return Refused(DeadLetterReason.SCHEMA_VIOLATION, field_and_rule(str(error)))


BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_COMPRESSED: Final = "compressed with {} by hand: leave that to the producer's compression.type"
_BEGINNINGS: Final = (
    (BYTE_ORDER_MARK, "begins with a byte-order mark (EF BB BF): UTF-8 is expected without one"),
    (b"\x1f\x8b", _COMPRESSED.format("gzip")),
    (b"\x28\xb5\x2f\xfd", _COMPRESSED.format("zstd")),
    (b"\x04\x22\x4d\x18", _COMPRESSED.format("lz4")),
    (b"\x82SNAPPY", _COMPRESSED.format("snappy")),
    (b"Obj\x01", "an Avro file: JSON is expected"),
)
_MARKS: Final = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_WITHOUT_MARK: Final = re.compile(
    rb"(?P<utf32>\x00\x00\x00[\x09-\x7d]\x00|[\x09-\x7d]\x00\x00\x00)"
    rb"|(?P<utf16>\x00[\x09-\x7d]\x00[\x09-\x7e]|[\x09-\x7d]\x00[\x09-\x7e]\x00)"
)
_FRAME_BYTES: Final = 5


def other_encoding(value: bytes) -> str | None:
    """In which JSON is written that is not in UTF-8, by its first bytes."""
    for mark, encoding in _MARKS.items():
        if value.startswith(mark):
            return f"{encoding}, by its byte-order mark"
    encoded = _WITHOUT_MARK.match(value)
    return encoded and f"UTF-{encoded.lastgroup.removeprefix('utf')}"  # type: ignore[union-attr]


def _other_format(value: bytes) -> str | None:
    """What a value is that is no JSON, by its first bytes; None when they do not tell."""
    for beginning, told in _BEGINNINGS:
        if value.startswith(beginning):
            return told
    if encoding := other_encoding(value):
        return f"{encoding}: UTF-8 is expected"
    if value[:1] == b"\x00" and len(value) > _FRAME_BYTES:
        schema_id = int.from_bytes(value[1:_FRAME_BYTES])
        return (
            f"begins with the frame of a schema registry (byte 0, then schema id {schema_id}): "
            "plain JSON is expected, from a serializer without a registry"
        )
    return None


_AT_FIELD: Final = re.compile(r"^(?P<rule>.*) - at `\$\.(?P<field>[^`]+)`$", re.DOTALL)
_MISSING: Final = re.compile(r"^Object missing required field `(?P<field>[^`]+)`$")


_REMEDIES: Final = {
    "Expected `datetime` with a timezone component": "add Z or +02:00",
    "Expected `int | datetime | null`, got `float`": "epoch milliseconds are a whole number",
    "Invalid RFC3339 encoded datetime": "as 2026-01-31T12:00:00Z, or a number of epoch milliseconds",
}


def with_remedy(rule: str) -> str:
    """A rule in msgspec's words, and what to do where these do not say so."""
    remedy = _REMEDIES.get(rule)
    return rule if remedy is None else f"{rule}: {remedy}"


def field_and_rule(text: str) -> str:
    """msgspec's message, field first: ``clickId: Expected `str`, got `int```."""
    if match := _AT_FIELD.match(text):
        return f"{match['field']}: {with_remedy(match['rule'])}"
    if match := _MISSING.match(text):
        return f"{match['field']}: required"
    return text.removesuffix(" - at `$`")


def out_of_range(event_ms: int, now_ms: int, *, counted: bool) -> Refused:
    """An event of a time that no event may have. ``counted``: it came as a number, not as a date."""
    try:
        detail = f"timestamp: {rfc3339(event_ms)}"
    except OverflowError:
        detail = f"timestamp: {event_ms} ms"
    detail += " is before 2000 or more than 24 h in the future"
    if counted and (unit := _unit(event_ms, now_ms)):
        detail += f" ({unit}? milliseconds are expected)"
    return Refused(DeadLetterReason.TIMESTAMP_OUT_OF_RANGE, detail)


def _unit(count: int, now_ms: int) -> str | None:
    """In which a number is the time of an event, if not in milliseconds."""
    latest_ms = now_ms + MAX_AHEAD_MS
    if EARLIEST_MS <= count * 1000 <= latest_ms:
        return "seconds"
    if EARLIEST_MS <= count // 1000 <= latest_ms:
        return "microseconds"
    return "nanoseconds" if EARLIEST_MS <= count // 1_000_000 <= latest_ms else None
