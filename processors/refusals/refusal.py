"""What dead letters and unmatched events have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from schemas.headers import Headers
from schemas.topics import Topic

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord


class Outgoing(NamedTuple):
    """A record that goes back to an input topic. ``timestamp_ms`` None: it has no time of its own."""

    topic: Topic
    key: bytes | None
    value: bytes | None
    timestamp_ms: int | None
    headers: Headers = ()


class LeftAlone(Exception):
    """It does not go back; ``str()`` says why."""


class Refusal(Protocol):
    """One of them. ``topic``: where it came from, None when that is no topic of this system."""

    @property
    def id(self) -> str:
        """``partition:offset`` in its own topic."""

    @property
    def identity(self) -> bytes:
        """What all reports of one record share."""

    @property
    def attempt(self) -> int:
        """How often it was refused; 0 when that is not counted."""

    @property
    def reported_ms(self) -> int:
        """When it was refused."""

    @property
    def topic(self) -> Topic | None: ...
    @property
    def workspace(self) -> str: ...
    @property
    def reason(self) -> str: ...

    @property
    def replayed(self) -> bool:
        """True for what is no report, but the note that the record was sent back."""

    def back(self, now_ms: int) -> Outgoing:
        """As it goes back to its topic. Raises :class:`LeftAlone`."""

    def note(self) -> Outgoing:
        """For its own topic: that it was sent back. Counts until the record is reported anew, and repeats
        nothing of what the record said: its person may have been erased since."""

    def readable(self, now_ms: int) -> bool:
        """True when this version finds nothing wrong with it."""

    def document(self) -> dict[str, Any]:
        """All of it, for JSON."""

    def cells(self) -> tuple[str, ...]:
        """In the order of :attr:`Kind.columns`."""


@dataclass(frozen=True)
class Kind:
    """Dead letters, or unmatched events. ``read`` returns None for a record that is none of them."""

    topic: Topic
    one: str
    many: str
    columns: tuple[str, ...]
    read: Callable[["ConsumerRecord"], Refusal | None]

    def count(self, number: int) -> str:
        """``1 dead letter``, ``2 dead letters``."""
        return f"{number:,} {self.one if number == 1 else self.many}"
