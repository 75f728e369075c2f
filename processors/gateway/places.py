"""Places in a list by time: a page that begins behind one misses nothing and repeats nothing, whatever has
come since."""

from typing import Final, NamedTuple, Self

from processors.gateway.findings import broken

NEXT: Final = "X-Next-Cursor"
"""The header that names where the next page begins; absent on the last."""
_LONGEST_TIME: Final = 15
"""Digits."""


class Place(NamedTuple):
    """Of something that has a time and an id."""

    at_ms: int
    id: str

    @property
    def written(self) -> str:
        """For a caller to bring back."""
        return f"{self.at_ms}.{self.id}"

    @classmethod
    def read(cls, written: str) -> Self | None:
        """None: of nothing, which is the beginning of the list. Raises ``ApiError`` for what nobody wrote."""
        if not written:
            return None
        at_ms, _, name = written.partition(".")
        if not name or not (at_ms.isascii() and at_ms.isdigit() and len(at_ms) <= _LONGEST_TIME):
            raise broken("cursor", f"not one that the header {NEXT} has said.")
        return cls(int(at_ms), name)
