"""What a job gives the engine: a :class:`Processor`. The engine knows nothing of its facts and states."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol, TypeVar

from msgspec import Struct

from processors.engine.records import Record

S = TypeVar("S")
F = TypeVar("F")


class Output(Struct, frozen=True, gc=False):
    """One record to write, in the transaction of the batch that made it.

    ``value`` None is a tombstone. ``timestamp_ms`` None is the time of the batch. The partition follows from
    the key: that of the event if the key is the event's, else murmur2 like the Java client.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp_ms: int | None = None


class Rejected(Exception):
    """Raised by ``parse``: the record cannot be used; ``outputs`` (a dead letter) are written instead.

    ``why``, and ``origin`` (whose it is; '' when that cannot be told), are for the operator. ``counts``: does
    it say something about producers and deployments? Not when it had been rejected before.
    """

    def __init__(
        self, outputs: Sequence[Output], why: str = "", origin: str = "", *, counts: bool = True
    ) -> None:
        super().__init__(f"record rejected, {len(outputs)} outputs instead: {why}")
        self.outputs = outputs
        self.why = why
        self.origin = origin
        self.counts = counts


class Unfit(StrEnum):
    """Why the engine does not let a record pass that ``parse`` has not rejected."""

    TOO_LARGE = "too_large"
    """It belongs elsewhere, and is too large to be sent on."""
    FAILED = "failed"
    """A method of the processor raises something unexpected, and has ended the worker twice."""


class Halt(Exception):
    """Raised by any method of a processor: stop the worker with this message and exit code 65.

    Nothing of the batch is written and no offset moves, so that the records are read again after a fix.
    """


class Processor(Protocol[S, F]):
    """A keyed state machine over co-partitioned topics, with one table.

    All of it is called in the engine's thread, which does nothing else meanwhile: no method may wait. What
    one raises, but for :class:`Halt` and :attr:`fatal`, is blamed on the record: it ends the process, and the
    record is passed over when it has done so twice (:mod:`.watch`).

    ``parse`` may look at the record and the time only; ``apply`` and ``expire`` are called one after the
    other for a key, in the order of offsets within a partition (order between topics is arbitrary), and
    exactly once per record as far as their effects can be seen. They need be neither idempotent nor
    deterministic.

    ``outputs`` must name every topic the processor writes to, dead letters included, and none that it only
    forwards misplaced records to: every source topic of this worker is allowed for that. What comes of a
    record may pass other source topics, but none of them twice (:func:`.watermark.hops`).
    """

    @property
    def table(self) -> str:
        """Name of the table; its changelog topic is ``changelog_topic(application_id, table)``."""

    @property
    def topics(self) -> frozenset[str]:
        """Full names of the source topics. A topic belongs to one processor."""

    @property
    def inner(self) -> frozenset[str]:
        """Full names of those source topics that nobody but workers writes to, with work half done."""

    @property
    def outputs(self) -> frozenset[str]:
        """Full names of the topics written to."""

    @property
    def retention_ms(self) -> int | None:
        """None: state is kept for ever. Else state written longer ago than this may vanish at any time."""

    @property
    def fatal(self) -> tuple[type[Exception], ...]:
        """What the methods may raise that says nothing of a record, as about a state of a newer release.

        It ends the process with what it says, which therefore must quote nothing of an event.
        """

    def refuse(self, record: Record, unfit: Unfit, detail: str) -> Rejected:
        """What becomes of a record that the engine does not let pass. Must not look into its value."""

    def parse(self, record: Record, now_ms: int) -> tuple[str, bytes, F]:
        """The topic and key where the record belongs, and its fact. Raises :class:`Rejected`, :class:`Halt`.

        ``now_ms`` is the time of the batch, as it is for :meth:`apply`.

        A record that is not in the place named here (or not in the key's partition) is sent there, unchanged
        but for the key, and not applied. The place must be a fixed point: parsed there, it is in place.
        """

    def load(self, raw: bytes) -> S:
        """Inverse of :meth:`dump`, old versions included."""

    def dump(self, state: S) -> bytes:
        """The state as it is stored and written to the changelog."""

    def due(self, state: S) -> int | None:
        """Epoch milliseconds at which :meth:`expire` wants to be called for this state, or None.

        Asked when the state is written, and stored with it. With other settings it may answer otherwise
        later on; what is stored holds until the state is written again.
        """

    def apply(self, key: bytes, state: S | None, fact: F, now_ms: int) -> tuple[S | None, Sequence[Output]]:
        """The state after the fact, and what to write. The same object means no change; None deletes.

        States are values: a state passed in must not be changed in place.
        """

    def expire(self, key: bytes, state: S, now_ms: int) -> tuple[S | None, Sequence[Output]]:
        """Like :meth:`apply` for the passing of time.

        ``now_ms`` is a time up to which everything that had arrived in the source topics of this worker has
        been applied; it is at least the due time that was stored, and may lie well before the wall clock. By
        the settings of today it may be too early: the same state is then stored with the due time of today.
        A state that is still due at ``now_ms`` afterwards is called again in a later batch, so it must move
        on.
        """
