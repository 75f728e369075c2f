"""The newest records of each workspace, in bounded memory, and how they are read on from a position."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from processors.gateway.live.positions import Place, Position, later
from schemas.topics import Topic, split_key

MOST_OF_EACH: Final = 10_000
MOST_BYTES: Final = 64 * 1024 * 1024
_RECORD_BYTES: Final = 400
"""What a record takes beside its key and value, measured."""
_OF_A_PERSON: Final = frozenset({Topic.LEADS, Topic.SALES, Topic.CUSTOMERS})


class Record(NamedTuple):
    """As it was read. ``at_ms``: Kafka's time of it. ``value``: empty of what was forgotten since."""

    place: Place
    offset: int
    key: bytes
    value: bytes
    at_ms: int

    @property
    def size(self) -> int:
        """Bytes, estimated."""
        return len(self.key) + len(self.value) + _RECORD_BYTES


class Lost(Exception):
    """What would come next is not here any more, or never was."""


class Ring:
    """Of one workspace. ``first``: the number of the oldest record; each has the number after the one before.
    ``floors``: of partitions of which records were let go, the offset after the last one of those.
    ``erased``: keys of persons who were, in that order."""

    def __init__(self) -> None:
        self.first = 0
        self.records: deque[Record] = deque()
        self.floors: dict[Place, int] = {}
        self.erased: dict[bytes, None] = {}

    @property
    def end(self) -> int:
        """The number of the next record."""
        return self.first + len(self.records)

    def let_go(self) -> Record:
        """The oldest record."""
        gone = self.records.popleft()
        self.first += 1
        self.floors[gone.place] = gone.offset + 1
        return gone


class Rings:
    """``most_of_each``: records of a workspace, and persons whom it erased. ``most_bytes``: of all records
    together, estimated; then the oldest ones go, whose ever they are.

    ``starts``: from where on everything was read. ``reached``: up to where. ``era``: changes when what was
    read before is lost.
    """

    def __init__(self, most_of_each: int = MOST_OF_EACH, most_bytes: int = MOST_BYTES) -> None:
        self._most_of_each = most_of_each
        self._most_bytes = most_bytes
        self._rings: dict[str, Ring] = {}
        self._order: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._born: dict[Place, int] = {}
        self.starts: dict[Place, int] = {}
        self.reached: dict[Place, int] = {}
        self.size = 0
        self.era = 0

    def begin(self, starts: Position, ends: Position) -> None:
        """From here on everything comes, each partition in its order. What was here is forgotten.

        ``ends``: of the topics at this moment, or later; what lies before is not news.
        """
        self._rings.clear()
        self._order.clear()
        self.size = 0
        self.era += 1
        self.starts = dict(starts)
        self.reached = dict(starts)
        self._born = dict(ends)

    @property
    def are_filled(self) -> bool:
        """Has reading begun?"""
        return self.era > 0

    @property
    def now(self) -> Position:
        """Before what is news."""
        return later(self.reached, self._born)

    def oldest(self, workspace_id: str) -> Position:
        """Before everything that is here of a workspace."""
        return self.starts | self.ring(workspace_id).floors

    def ring(self, workspace_id: str) -> Ring:
        """Of any workspace; empty when nothing of it has come."""
        return self._rings.setdefault(workspace_id, Ring())

    def add(self, record: Record) -> str | None:
        """Whose it is; None: nobody's."""
        self.reached[record.place] = record.offset + 1
        try:
            workspace_id, _ = split_key(record.key)
        except UnicodeDecodeError:
            return None
        if record.place.topic is Topic.CUSTOMERS and not record.value:
            self._forget(workspace_id, record.key)
            return None
        ring = self.ring(workspace_id)
        # Partitions are read in any order: what was written of him before may come now.
        if record.key in ring.erased and record.place.topic in _OF_A_PERSON:
            return None
        self._order[workspace_id, ring.end] = None
        ring.records.append(record)
        self.size += record.size
        if len(ring.records) > self._most_of_each:
            self._let_go(workspace_id)
        while self.size > self._most_bytes:
            self._let_go(next(iter(self._order))[0])
        return workspace_id

    def _let_go(self, workspace_id: str) -> None:
        ring = self._rings[workspace_id]
        del self._order[workspace_id, ring.first]
        self.size -= ring.let_go().size

    def _forget(self, workspace_id: str, key: bytes) -> None:
        """A person was erased, for good: what is here of him says nothing any more."""
        ring = self.ring(workspace_id)
        ring.erased[key] = None
        if len(ring.erased) > self._most_of_each:
            del ring.erased[next(iter(ring.erased))]
        for index, one in enumerate(ring.records):
            if one.key == key and one.place.topic in _OF_A_PERSON:
                self.size -= len(one.value)
                ring.records[index] = one._replace(value=b"")


class Cursor:
    """Somebody who reads the ring of a workspace, each record once.

    ``position``: what he has, here or from elsewhere; it moves with each record that is taken.
    """

    def __init__(self, rings: Rings, workspace_id: str, position: Position) -> None:
        """Raises :class:`Lost`."""
        self.rings = rings
        self._era = rings.era
        self._ring = rings.ring(workspace_id)
        self._next = self._ring.first
        self.position = dict(position)
        for place, start in rings.oldest(workspace_id).items():
            # A partition that is new begins with its first record.
            if self.position.setdefault(place, 0) < start:
                raise Lost

    def take(self, most: int) -> Iterator[Record]:
        """The next ones, of ``most`` that are looked at. Not to be left off between two of them.

        Raises :class:`Lost` for whoever was too slow.
        """
        ring = self._ring
        if self._era != self.rings.era or self._next < ring.first:
            raise Lost
        for index in range(self._next - ring.first, min(len(ring.records), self._next - ring.first + most)):
            record = ring.records[index]
            self._next += 1
            if record.offset >= self.position.get(record.place, 0):
                self.position[record.place] = record.offset + 1
                yield record
        if self.waits:
            self.position = later(self.position, self.rings.reached)

    @property
    def waits(self) -> bool:
        """Nothing is there to be taken."""
        return self._era == self.rings.era and self._next == self._ring.end
