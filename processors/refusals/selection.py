"""Which refusals are meant."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

from schemas.topics import Topic

if TYPE_CHECKING:
    from processors.refusals.refusal import Refusal


class Id(NamedTuple):
    """The position of a refusal in its topic, written ``partition:offset``."""

    partition: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """As :meth:`__str__` writes it. Raises ``ValueError``."""
        partition, _, offset = text.partition(":")
        if all(part.isascii() and part.isdigit() and len(part) < 19 for part in (partition, offset)):
            return cls(int(partition), int(offset))
        raise ValueError(f"{text!r} is none: write partition:offset, as `list` prints it")

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


@dataclass(frozen=True)
class Selection:
    """All refusals that pass every filter; an empty filter passes all. Times are those of the report.

    ``ids``: these and no others.
    """

    reasons: frozenset[str] = frozenset()
    workspace: str | None = None
    topic: Topic | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    ids: frozenset[Id] = field(default=frozenset())

    @property
    def everything(self) -> bool:
        """No filter is set: all that there are."""
        return self == Selection()

    def takes(self, refusal: "Refusal") -> bool:
        """True when it is meant."""
        return (
            (not self.reasons or refusal.reason in self.reasons)
            and self.workspace in (None, refusal.workspace)
            and self.topic in (None, refusal.topic)
            and (self.since_ms is None or refusal.reported_ms >= self.since_ms)
            and (self.until_ms is None or refusal.reported_ms < self.until_ms)
        )
