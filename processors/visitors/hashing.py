"""Who was here before, without writing down who it was."""

from functools import lru_cache
from hashlib import blake2b
from typing import Final

_DAY_MS: Final = 86_400_000
_SIZE: Final = 12
"""Bytes. Of the visitors of one link in one day, no two have the same."""


def visitor_hash(salt: str, now_ms: int, *parts: str) -> str:
    """A keyed hash (BLAKE2, RFC 7693) of what tells visitors apart, for the day (UTC) of ``now_ms``.

    ``salt``: a secret. Whoever knows it can try addresses and agents one after the other: what comes out is a
    pseudonym.
    """
    text = "\x1f".join(parts).encode("utf-8", "replace")
    return blake2b(text, key=_key_of(salt, now_ms // _DAY_MS), digest_size=_SIZE).hexdigest()


def visitor_hashes(salt: str, now_ms: int, within_ms: int, *parts: str) -> tuple[str, ...]:
    """What the visitor is called now, and was called within this time, at most a day: the day may have
    changed."""
    today = visitor_hash(salt, now_ms, *parts)
    before = now_ms - within_ms
    return (today,) if before // _DAY_MS == now_ms // _DAY_MS else (today, visitor_hash(salt, before, *parts))


@lru_cache(maxsize=1_024)
def _key_of(salt: str, day: int) -> bytes:
    return blake2b(day.to_bytes(4, "big"), key=blake2b(salt.encode()).digest()).digest()
