"""Did exactly the right leads come out?"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Found(NamedTuple):
    """A lead as it was read. ``revision`` 1 of a contestant that does not count them."""

    lead_id: str
    revision: int
    content: Hashable


@dataclass(frozen=True)
class Verdict:
    """Counts of leads. ``lost``: expected, not there. ``unexpected``: there, not expected. ``doubled``: more
    records than revisions of leads. ``changed``: there, with other content."""

    expected: int
    lost: int
    unexpected: int
    doubled: int
    changed: int

    @property
    def good(self) -> bool:
        """Exactly what had to come out."""
        return not (self.lost or self.unexpected or self.doubled or self.changed)

    def __str__(self) -> str:
        if self.good:
            return f"{self.expected:,} leads, none lost, doubled or changed"
        return (
            f"of {self.expected:,} leads {self.lost:,} lost, {self.doubled:,} doubled,"
            f" {self.changed:,} changed, {self.unexpected:,} unexpected"
        )


def judge(expected: Mapping[str, Hashable], found: Iterable[Found]) -> Verdict:
    """Of every lead the content of its last revision counts, of equal revisions the last in ``found``."""
    records = 0
    revisions: set[tuple[str, int]] = set()
    newest: dict[str, Found] = {}
    for one in found:
        records += 1
        revisions.add((one.lead_id, one.revision))
        if one.lead_id not in newest or one.revision >= newest[one.lead_id].revision:
            newest[one.lead_id] = one
    known = expected.keys() & newest.keys()
    return Verdict(
        expected=len(expected),
        lost=len(expected) - len(known),
        unexpected=len(newest) - len(known),
        doubled=records - len(revisions),
        changed=sum(newest[lead_id].content != expected[lead_id] for lead_id in known),
    )
