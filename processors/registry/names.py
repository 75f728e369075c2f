"""Names of hosts and addresses of pages, as people write them. Every function raises ``ValueError``."""

import re
import string
import unicodedata
from typing import Final
from urllib.parse import urlsplit

from schemas.links import ROOT
from schemas.texts import URL

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_is_host: Final = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}").fullmatch
_MOST_CHARACTERS: Final = 253
_ANY: Final = "*."
KEY: Final = 190
"""Characters of a link's key."""
_PLAIN: Final = frozenset("-._/" + string.ascii_letters + string.digits)
_JOINER: Final = "\u200d"
"""Between emojis that make one picture; nothing else that is invisible may stand in a key."""


def host_name(text: str) -> str:
    """Lower-case and in Punycode, as browsers send it; without a port."""
    try:
        name = text.strip().lower().removesuffix(".").encode("idna").decode()
    except UnicodeError:
        name = ""
    if len(name) > _MOST_CHARACTERS or not _is_host(name):
        raise ValueError(f"{text!r} is no name of a host: write go.example.com, without https:// and port")
    return name


def host_pattern(text: str) -> str:
    """A name, or ``*.`` and a name: every host below it."""
    name = text.strip()
    if name.startswith(_ANY):
        return _ANY + host_name(name.removeprefix(_ANY))
    return host_name(name)


def link_key(text: str) -> str:
    """What comes after the slash in the address of a short link; it may have slashes itself.

    Nothing is in it that a browser would send in another form.
    """
    good = text == ROOT or (not text.startswith("_") and all(map(_may_be_in_key, text)))
    if not good or not 0 < len(text) <= KEY or text != text.strip("/") or {".", ".."} & set(text.split("/")):
        raise ValueError(
            f"{text!r} is no key of a link: write 1 to {KEY} characters, letters, digits, emojis, and -._/"
            " among them, without _ in front and / at the ends"
        )
    return text


def same_key(key: str) -> str:
    """The same for keys that differ in case alone, or in how their accents are put together: people see one
    address, and keyboards and file systems write it in either form."""
    if key.isascii():
        return key.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", key).casefold())


def _may_be_in_key(char: str) -> bool:
    return char in _PLAIN or (char > "\x7f" and (char.isprintable() or char == _JOINER))


def page_url(text: str) -> str:
    """An absolute http(s) URL of ASCII without blanks, so that it can stand in a header."""
    try:
        parts = urlsplit(text)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        whole = False
    if not whole or not text.isascii() or not text.isprintable() or " " in text or len(text) > URL:
        raise ValueError(f"{text!r} is no URL of a page: write https://example.com/path")
    return text
