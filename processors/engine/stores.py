"""What the engine asks of its stores (:class:`Store`), and of whoever fills them (:class:`Restore`)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

from aiokafka.structs import TopicPartition

Place = tuple[str, int]
"""Of a store: table and partition."""

RESERVED: Final = b"\0"
"""First byte of a store's own keys. Keys of processors never start with it."""


class Readable(Protocol):
    """As much of a :class:`Store` as a batch needs to be computed."""

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The stored forms of the keys' states, in their order; None: there is none. Notices damage."""


class Store(Readable, Protocol):
    """The states of one partition of one table: an exact prefix of its changelog, and what follows from it.

    One thread uses it, and not across an ``await`` that may see it closed. Values are stored forms
    (:mod:`.frame`). No method waits for the network. On a disk each may block for as long as that takes, and
    raises the database's own exception when it fails. "Notices damage" says: a block whose checksum is wrong
    is never passed over, the method raises; the store is then marked, and the next life of the worker begins
    it anew from its changelog.
    """

    @property
    def path(self) -> Path:
        """Where it is, or would be if it were on a disk."""

    position: int
    """Offset of the last changelog record that is in here; -1: none."""

    @property
    def size(self) -> int:
        """How many states there are, or somewhat more: what was written several times may count as often.

        In a table with a retention until it is dropped; in one that is kept until the database has put it
        together, and there whatever else it holds counts too, as due entries do. Does not block.
        """

    def write(
        self, items: Mapping[bytes, bytes | None], position: int, now_ms: int, spent: Iterable[bytes] = ()
    ) -> None:
        """Stored forms (None: gone) that the changelog holds up to ``position``; ``spent`` due entries go.

        All of it or nothing survives, though not necessarily at once: a crash may lose the latest calls, and
        the position with them. Notices damage.
        """

    def spend(self, entries: Iterable[bytes]) -> None:
        """Drop due entries that no longer mean anything. They are local: nothing goes to the changelog.

        Notices damage.
        """

    def due(self, until_ms: int, limit: int) -> list[tuple[bytes, int, bytes]]:
        """(entry, due time, key), earliest first; each comes again until it is spent.

        An entry is only a hint: a state that was written again may leave its old one behind. Whoever takes it
        compares it with the due time in the stored form, and spends it. Takes as long as there are entries to
        return, however many were spent before. Notices damage.
        """

    def first_due(self) -> int | None:
        """Time of the earliest due entry. Notices damage."""

    def held(self, looks: int) -> int | None:
        """How many states there are with a due time; None: not yet counted.

        Looks at so many due entries and goes on there at the next call: the answer is that of the last time
        all were looked at. Notices damage.
        """

    def drop(self, written_before_s: int) -> int:
        """Drop states written earlier, as many as go at a time; about how many. To be called until it is 0.

        Some may be left then: what was written up to half a retention before others that stay, and all that
        was written since a state whose due entry is not spent. Local: the changelog of such a table forgets
        by its own retention. Notices damage.
        """

    def states(self) -> Iterator[tuple[bytes, bytes]]:
        """Every key with its dumped state, in any order. For inspection and tests. Notices damage."""

    def close(self) -> None:
        """Release what it holds, now: the next owner may be this process. Nothing may be called afterwards.

        Notices damage.
        """


class Restore(Protocol):
    """Brings stores up to the ends that their changelogs have when it is called."""

    async def __call__(
        self, stores: Mapping[TopicPartition, Store], check: Callable[[], None], ready: Callable[[int], None]
    ) -> int:
        """How many records were read. ``stores``: by changelog partition, all of a partition or none.

        ``check`` is called after every wait, before anything is written; it raises when the generation is
        over. What was written until then is a valid prefix, and the next restore goes on from there.
        ``ready`` is told of each partition when all of its stores are up to date; nothing is written to them
        afterwards. Waits for as long as there is progress. Raises :data:`.group.ASK_AGAIN`, of which nothing
        needs undoing, or an ``EngineError``.
        """
