"""Records that do not lie where their keys do: somebody has given the topic more partitions.

Kafka compacts each partition by itself. So what was written before stays where it was, whatever becomes of
its key elsewhere, and is read before or after that. Of such a key the record with the greatest timestamp
counts, wherever it lies, and a writer sees to it that his own has that. In the same transaction he deletes
what lies elsewhere, under the timestamp of what he deletes: for a deletion is kept for some weeks only, and
then what is older would come back.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from aiokafka import ConsumerRecord

from processors.kafka.placement import partition_for

_MOST: Final = 1_000
"""Records deleted beside a change that has nothing to do with them."""

Name = tuple[str, bytes]
"""A topic, in full, and a key."""


class Outdated(NamedTuple):
    """A record that says nothing any more, and where it lies."""

    topic: str
    key: bytes
    partition: int
    timestamp: int


@dataclass(slots=True)
class _Key:
    """``newest``: timestamp and partition of the record that counts. ``elsewhere``: partitions, not its own,
    that have a record of it, and its timestamp."""

    newest: tuple[int, int]
    elsewhere: dict[int, int] = field(default_factory=dict)

    def heard(self, record: ConsumerRecord) -> bool:
        """Does it count?"""
        timestamp, partition = self.newest
        if record.timestamp < timestamp and record.partition != partition:
            return False
        self.newest = record.timestamp, record.partition
        return True


class Elsewhere:
    """Is told of every record, those of a partition in their order."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        """``counts``: partitions by topic."""
        self._counts = counts
        self._keys: dict[Name, _Key] = {}
        # The newest of every key in its own partition. Once all was read, whoever writes sees to the order.
        self._own: dict[Name, tuple[int, int]] | None = {}
        self._latest_ms = 0

    def __len__(self) -> int:
        """How many keys have records elsewhere."""
        return len(self._keys)

    def heard(self, record: ConsumerRecord) -> bool:
        """Does it count? Else what another partition says of its key is newer."""
        self._latest_ms = max(self._latest_ms, record.timestamp)
        name = record.topic, record.key or b""
        key = self._keys.get(name)
        if partition_for(name[1], self._counts[record.topic]) == record.partition:
            if key is not None:
                return key.heard(record)
            if self._own is not None:
                self._own[name] = record.timestamp, record.partition
            return True
        return self._heard_elsewhere(name, key, record)

    def _heard_elsewhere(self, name: Name, key: _Key | None, record: ConsumerRecord) -> bool:
        reading = self._own is not None
        if key is None:
            if record.value is None and not reading:
                return False  # what is deleted there was deleted before
            key = self._keys[name] = _Key((self._own or {}).get(name, (-1, -1)))
        if record.value is not None:
            key.elsewhere[record.partition] = record.timestamp
            return key.heard(record)
        deleted = key.elsewhere.pop(record.partition, None)
        if reading:
            return key.heard(record)
        if not key.elsewhere:
            del self._keys[name]
        # Under the timestamp of what it deletes it says nothing of the key: that its own partition does, and
        # may do later, in the same transaction.
        return record.timestamp != deleted and key.heard(record)

    def all_read(self) -> None:
        """What comes from now on is new."""
        self._own = None
        self._keys = {name: key for name, key in self._keys.items() if key.elsewhere}

    def stamp(self, now_ms: int) -> int:
        """The timestamp of what is written now: clocks of writers differ."""
        return max(now_ms, self._latest_ms + 1)

    def outdated(self, written: Collection[Name]) -> list[Outdated]:
        """What to delete with a change that writes these keys; beside it, some of what was outdated."""
        others = (
            Outdated(*name, partition, timestamp)
            for name, key in self._keys.items()
            if name not in written
            for partition, timestamp in key.elsewhere.items()
            if partition != key.newest[1]
        )
        theirs = (
            Outdated(*name, partition, timestamp)
            for name in written
            if name in self._keys
            for partition, timestamp in self._keys[name].elsewhere.items()
        )
        return [*theirs, *islice(others, _MOST)]
