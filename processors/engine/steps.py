"""The steps of a batch, in order. Tests die or freeze between any two of them."""

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    """What has just happened. The comment says what a death at this point leaves behind."""

    COMPUTED = "computed"  # nothing
    BEGUN = "begun"  # an open transaction without records
    SENT = "sent"  # an open transaction; some or all of its records may be on their way
    PRODUCED = "produced"  # an open transaction; read_uncommitted readers see its records
    OFFSETS = "offsets"  # an open transaction, offsets included
    ENDED = "ended"  # committed everywhere but in the local store: restore reads it from the changelog
    STORED = "stored"  # once per store: stores that are behind, each with its own position


OnStep = Callable[[Step], None]


def ignore(_: Step) -> None:
    """For those who do not watch."""
