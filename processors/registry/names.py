"""Names of hosts and addresses of pages, as people write them. Every function raises ``ValueError``."""

import re
import string
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
_IN_KEY: Final = frozenset("-._/" + string.ascii_letters + string.digits)
_JOINER: Final = "\u200d"
"""Between emojis that make one picture; else nothing invisible may stand in a key."""


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


def link_key(text: str) -> str:
    """The key of a link as it is kept: without blanks and slashes around it."""
    key = text.strip().strip("/")
    good = key == ROOT or (key and not key.startswith("_") and all(map(_may_be_in_key, key)))
    if not good or len(key) > KEY or {".", ".."} & set(key.split("/")):
        raise ValueError(
            f"a key has at most {KEY} letters, digits, emojis, and -._/ among them, and begins with no _"
        )
    return key


def _may_be_in_key(char: str) -> bool:
    return char in _IN_KEY or (char > "\x7f" and (char.isprintable() or char == _JOINER))
