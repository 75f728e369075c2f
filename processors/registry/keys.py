"""Keys of workspaces, and tokens of links to their views: made once, shown once, known by their hash ever
after.

A key begins with ``leadstream_sk_`` or ``leadstream_pk_``, a token with ``leadstream_share_``; then come 33
characters that stand for 192 random bits, and 6 that check the rest. By the prefix scanners for leaked
secrets know it, by the check a mistyped one is told from one that was revoked. A hash without salt is enough:
nobody can try 2^192 of them.
"""

import string
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from schemas.registry import ApiKey, KeyRole

_PREFIXES: Final = {KeyRole.SECRET: "leadstream_sk_", KeyRole.PUBLISHABLE: "leadstream_pk_"}
_TOKEN_PREFIX: Final = "leadstream_share_"  # noqa: S105 - what is before one
_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_BYTES: Final = 24
_RANDOM_CHARACTERS: Final = 33
_CHECK_CHARACTERS: Final = 6
_SHOWN: Final = 4
"""Characters that people may see of the random ones; 168 bits stay."""
_ID_BYTES: Final = 12
_LEAST_GIVEN: Final = 16
SALT_BYTES: Final = 16
"""Of the salt of a workspace's visitors, which nobody can foretell either."""


@dataclass(frozen=True)
class IssuedKey:
    """A key that was just made. ``text`` is the key itself: for whoever asked for it, and for no log."""

    text: str = field(repr=False)
    record: ApiKey


def issue(role: KeyRole, now_ms: int, random_bytes: Callable[[int], bytes]) -> IssuedKey:
    """``random_bytes``: as many as asked for, which nobody can foretell; ``secrets.token_bytes``."""
    prefix = _PREFIXES[role]
    text = _drawn(prefix, random_bytes)
    record = ApiKey(
        id="key_" + random_bytes(_ID_BYTES).hex(),
        role=role,
        hash=hash_of(text),
        prefix=text[: len(prefix) + _SHOWN],
        created_at=now_ms,
    )
    return IssuedKey(text, record)


def new_token(random_bytes: Callable[[int], bytes]) -> str:
    """Of a link to a view. ``random_bytes``: as for :func:`issue`."""
    return _drawn(_TOKEN_PREFIX, random_bytes)


def given_key(text: str, role: KeyRole, now_ms: int) -> ApiKey:
    """A key that others made, and may go on using. Its id follows from it. Raises ``ValueError``."""
    if len(text) < _LEAST_GIVEN or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"a key has at least {_LEAST_GIVEN} characters, of ASCII and without blanks")
    if is_mistyped(text):
        raise ValueError("begins like a key of ours, and is not one: it is mistyped")
    hashed = hash_of(text)
    return ApiKey(
        id="key_" + hashed[: 2 * _ID_BYTES],
        role=role,
        hash=hashed,
        prefix=text[: len(text) // 4],
        created_at=now_ms,
    )


def hash_of(text: str) -> str:
    """What is stored of a key and looked up.

    How long a look-up takes can tell of hashes only, from which no key follows: it needs no other care.
    """
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_mistyped(text: str) -> bool:
    """True of what begins like a key or token of ours and cannot be one; others may be anything."""
    if not text.startswith((*_PREFIXES.values(), _TOKEN_PREFIX)):
        return False
    body, check = text[:-_CHECK_CHARACTERS], text[-_CHECK_CHARACTERS:]
    return _check(body) != check


def _drawn(prefix: str, random_bytes: Callable[[int], bytes]) -> str:
    body = prefix + _written(int.from_bytes(random_bytes(_RANDOM_BYTES)), _RANDOM_CHARACTERS)
    return body + _check(body)


def _check(body: str) -> str:
    return _written(zlib.crc32(body.encode("utf-8", "surrogatepass")), _CHECK_CHARACTERS)


def _written(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
