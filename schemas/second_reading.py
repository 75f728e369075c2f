"""What a strict decoder refuses though it is meant well → what it takes. Reached only after a refusal."""

import re
from decimal import Decimal
from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder, encode

from schemas.kinds import kinds_of_fields

_members: Final = Decoder(dict[str, Raw]).decode
_text: Final = Decoder(str).decode
_REAL: Final = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NULL: Final = Raw(b"null")
_BEYOND_ALL: Final = 400
"""Decimal digits of a number that breaks the bound of every field, and is not written out."""
_EXPONENT_DIGITS: Final = 9


class SecondReading:
    """Of one type of event: which of its fields are whole numbers, and which a choice of words."""

    def __init__(self, kind: type[Struct]) -> None:
        kinds = kinds_of_fields(kind)
        self._whole = [name for name, found in kinds.items() if "int" in found and "float" not in found]
        self._choices = [name for name, found in kinds.items() if "choice" in found]

    def __call__(self, document: bytes) -> bytes:
        """``2.0`` as ``2`` where a whole number is expected, a blank choice as absent, no member twice.

        Raises ``DecodeError`` or ``RecursionError`` for what is no object.
        """
        members = _members(document)
        better = {
            **{name: _whole(members[name]) for name in self._whole if name in members},
            **{name: _absent(members[name]) for name in self._choices if name in members},
        }
        changes = {name: value for name, value in better.items() if value is not None}
        return encode({**members, **changes})


def _whole(given: Raw) -> Raw | None:
    """A number without a fraction, written as an integer; None for anything else."""
    text = bytes(given)
    if text.lstrip(b"-").isdigit() or not _REAL.fullmatch(text):
        return None
    mantissa, _, exponent = text.lower().partition(b"e")
    if len(exponent.lstrip(b"+-0")) > _EXPONENT_DIGITS:
        return None
    number = Decimal(text.decode())
    if not number or number.adjusted() < 0:
        return None if number else Raw(b"0")
    if number.adjusted() > _BEYOND_ALL:
        return Raw(b"-" * mantissa.startswith(b"-") + b"9" * _BEYOND_ALL)
    return Raw(b"%d" % int(number)) if number == number.to_integral_value() else None


def _absent(given: Raw) -> Raw | None:
    try:
        return None if _text(given).strip() else _NULL
    except DecodeError:
        return None
