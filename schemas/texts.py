"""The rules of texts and ids: how long, what is blank, what is no id.

The patterns stand in the published JSON Schemas. They are written so that Python and ECMAScript read them
alike: ``\\s`` is not the same to both, and to Python ``$`` also stands before a last line feed.
"""

import re
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

ID: Final = 255
"""Characters of an id that somebody else has chosen: of a link, a partner, an event, an invoice."""
LABEL: Final = 255
"""A name of something: a domain (RFC 1035 allows 253), a short link's key, a city, a browser."""
EMAIL: Final = 320
"""64 before the @, 255 after it (RFC 5321)."""
AVATAR: Final = 2_048
URL: Final = 32_000
"""Of a click: as long as the destination of a link may be, so that every click on one counts."""
HEADER: Final = 4_096
"""A referrer, which browsers cut down to its origin beyond this (W3C Referrer Policy), or a user agent."""
COORDINATE: Final = 64

_BLANK: Final = r"\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_CONTROL: Final = r"\u0000-\u001f\u007f-\u009f"
_END: Final = r"(?![\s\S])"

BROKEN_IDS: Final = frozenset({"undefined", "null", "nan", "[object object]"})
"""Lower-cased. Client code that forgot to fill in an id sends them, and all its people would be one."""
SUSPICIOUS_LENGTHS: Final = frozenset(map(len, BROKEN_IDS))
"""A printable id that has none of them, blanks around it apart, needs no :func:`check_id`."""

_NOT_BROKEN: Final = (
    rf"(?![{_BLANK}]*(?:"
    + "|".join(
        "".join(f"[{char.upper()}{char}]" if char.isalpha() else re.escape(char) for char in word)
        for word in sorted(BROKEN_IDS)
    ).replace(r"\ ", " ")
    + rf")[{_BLANK}]*{_END})"
)
BLANK_PATTERN: Final = rf"^[{_BLANK}]*{_END}"
PRESENT_PATTERN: Final = rf"[^{_BLANK}]"
TRIMMED_ID_PATTERN: Final = rf"^{_NOT_BROKEN}[{_BLANK}]*[^{_CONTROL}]*[{_BLANK}]*{_END}"
"""Of an id that is read without the blanks around it."""
ID_PATTERN: Final = rf"^(?:[{_BLANK}]*|{_NOT_BROKEN}[^{_CONTROL}]*){_END}"
"""Of an id that is read as it is."""
_WORKSPACE: Final = r"[A-Za-z0-9_-]{1,64}"
WORKSPACE_PATTERN: Final = rf"^{_NOT_BROKEN}{_WORKSPACE}{_END}"
STORED_WORKSPACE_PATTERN: Final = rf"^{_WORKSPACE}{_END}"
"""Of one that a release before this one may have taken."""
CURRENCY_PATTERN: Final = rf"^[{_BLANK}]*(?:[A-Za-z]{{3}})?[{_BLANK}]*{_END}"
RFC3339_PATTERN: Final = (
    r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[Tt ]"
    r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
    rf"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9]){_END}"
)
"""What is read of RFC 3339: no leap seconds, which no clock shows."""

_find_control: Final = re.compile(f"[{_CONTROL}]").search
_match_currency: Final = re.compile("[A-Za-z]{3}").fullmatch
S = TypeVar("S", bound=Struct)


def said(text: str | None) -> str | None:
    """What an optional text says: a blank one, nothing."""
    return text if text and not text.isspace() else None


def without_blanks(struct: S, optional: tuple[str, ...]) -> S:
    """The same struct, of its ``optional`` fields the blank texts None."""
    texts = ((name, getattr(struct, name)) for name in optional)
    blank = [name for name, text in texts if isinstance(text, str) and not text.strip()]
    return replace(struct, **dict.fromkeys(blank)) if blank else struct


def check_id(field: str, text: str) -> None:
    """Raises ``ValueError`` for what only a mistake can have made an id, naming field and rule."""
    if text.strip().lower() in BROKEN_IDS:
        raise ValueError(f"{field}: {text.strip()!r} is what client code sends that has no id")
    if not text.isprintable() and (found := _find_control(text)):
        raise ValueError(f"{field}: has a control character (U+{ord(found[0]):04X})")


def is_currency(text: str) -> bool:
    """Three letters; of which currency is not asked."""
    return _match_currency(text) is not None
