"""Ids and keys of new links."""

import secrets
from collections.abc import Callable
from typing import Final

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS: Final = 80
_MOST_RANDOM: Final = (1 << _RANDOM_BITS) - 1
_DIGIT_BITS: Final = 5
_DIGITS: Final = 26
_LETTERS: Final = "23456789abcdefghijkmnpqrstuvwxyz"
"""Without 0 and o, 1 and l. Without upper case: keys are looked up without case."""

Random = Callable[[int], int]
"""So many random bits, as a number: ``secrets.randbits``."""


class NewIds:
    """Ids of links: ``link_`` and a ULID, each greater than the one before it. For one thread."""

    def __init__(self, random: Random = secrets.randbits) -> None:
        self._random = random
        self._last = 0

    def next(self, now_ms: int) -> str:
        """``now_ms``: that the clock was set back makes no lesser id."""
        drawn = now_ms << _RANDOM_BITS | self._random(_RANDOM_BITS)
        later = now_ms > self._last >> _RANDOM_BITS
        self._last = drawn if later else self._last + 1
        return id_of(self._last >> _RANDOM_BITS, self._last & _MOST_RANDOM)


def id_of(created_at: int, random: int) -> str:
    """``created_at``: epoch milliseconds; ``random``: 80 bits."""
    number = created_at << _RANDOM_BITS | random
    digits = (_CROCKFORD[number >> _DIGIT_BITS * place & 31] for place in reversed(range(_DIGITS)))
    return "link_" + "".join(digits)


def random_key(length: int, random: Random = secrets.randbits) -> str:
    """``length``: characters."""
    number = random(_DIGIT_BITS * length)
    return "".join(_LETTERS[number >> _DIGIT_BITS * place & 31] for place in range(length))
