"""One RocksDB per table and partition: states, the position in the changelog, and the index of due times.

Values and position are written in one WriteBatch, so a store is always an exact prefix of its changelog.
What a crash loses (the last few changes are gathered in memory, the write-ahead log is not fsynced) a restore
reads again from that position.

RocksDB's own TTL is not used: with rocksdict 0.3.29 a database opened ``with_ttl`` a second time drops
*every* entry at its next compaction, fresh ones too. :meth:`PartitionStore.sweep` takes its place.
"""

import logging
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import rocksdict

from processors.engine import frame
from processors.engine.state.damage import is_damage, noticing, open_database
from processors.engine.stores import RESERVED

log = logging.getLogger(__name__)

#: Every key of a processor sorts after it.
FIRST_KEY = b"\1"
_POSITION = RESERVED + b"position"
_DUE = RESERVED + b"due"
_DUE_KEY = len(_DUE) + 8
#: Every due entry sorts before it.
_NO_DUE = RESERVED + b"e"
_SWEEP = RESERVED + b"sweep"
_position = struct.Struct(">qq")
_sweep = struct.Struct(">qq")

#: Changes are gathered until they are so many: to write one costs almost what it costs to write all of them.
_GATHER = 400
_BLOCK_CACHE = 32 << 20
_WRITE_BUFFER = 8 << 20
#: Of the write buffer: ten bits for each of its keys, and some to spare.
_MEMTABLE_BLOOM = 0.02

#: A store that has not been written for longer is thrown away and restored from the beginning. Half of the
#: broker's default ``delete.retention.ms``: after that, tombstones written by another owner may be gone from
#: the changelog, and a key they deleted would come back to life here.
MAX_AGE_MS = 12 * 3600 * 1000


def new_cache() -> rocksdict.Cache:
    """A block cache, to be shared by all stores of a table."""
    return rocksdict.Cache(_BLOCK_CACHE)


def _options(cache: rocksdict.Cache) -> rocksdict.Options:
    options = rocksdict.Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_write_buffer_size(_WRITE_BUFFER)
    options.set_max_write_buffer_number(2)
    options.set_max_open_files(256)
    options.set_keep_log_file_num(2)
    # A key that is new, as most are, is mostly looked for in vain: without this, in the memtable's skip list.
    options.set_memtable_whole_key_filtering(True)
    options.set_memtable_prefix_bloom_ratio(_MEMTABLE_BLOOM)
    options.set_bloom_locality(1)
    # Opening is on the way to the first event, once per table and partition.
    options.set_max_file_opening_threads(1)
    options.set_skip_stats_update_on_db_open(True)
    blocks = rocksdict.BlockBasedOptions()
    blocks.set_block_cache(cache)
    blocks.set_bloom_filter(10, block_based=False)
    options.set_block_based_table_factory(blocks)
    return options


class PartitionStore:
    """A :class:`.stores.Store` on the disk."""

    def __init__(self, path: Path, cache: rocksdict.Cache, now_ms: int) -> None:
        self.path = path
        self._cache = cache
        #: For looks at everything, which must not drive out what the next events need.
        self._in_passing = rocksdict.ReadOptions()
        self._in_passing.fill_cache(False)
        #: What RocksDB does not have yet: states, and due entries that are used up.
        self._gathered: dict[bytes, bytes | None] = {}
        self._spent: list[bytes] = []
        self._written_ms = now_ms
        self._behind = False
        path.parent.mkdir(parents=True, exist_ok=True)
        self._open()
        if not self._recall(now_ms):
            self.reset()

    def _open(self) -> None:
        self._db = open_database(self.path, _options(self._cache))
        writing = rocksdict.WriteOptions()
        writing.memtable_insert_hint_per_batch = True
        self._db.set_write_options(writing)
        #: Offset of the last changelog record that is in here; -1: none.
        self.position = -1
        #: There is no due entry before it.
        self._due_from = _DUE
        #: Where the sweep goes on, and an upper bound for what will be left when it has been all round: what
        #: it has seen and kept, and all that was written meanwhile. A round takes weeks, so this outlives
        #: the process, but for what was written since the last look.
        self._sweep_from = FIRST_KEY
        self.size, self._kept = 0, 0
        #: States that have a due time, as of the last count; and the count under way, with where it goes on.
        self._held: int | None = None
        self._counting, self._held_from = 0, _DUE

    def _recall(self, now_ms: int) -> bool:
        """What an earlier life has left here. False: it cannot be trusted."""
        try:
            mark, swept = self._db.get([_POSITION, _SWEEP])
            if mark is None:
                entries = self._db.iter()
                entries.seek_to_first()
                entries.status()
                return not entries.valid()
        except Exception as exc:
            if not is_damage(exc):
                raise
            log.warning(
                "a store is thrown away and restored from its changelog",
                extra={"store": str(self.path), "because": str(exc)},
            )
            return False
        self.position, written_ms = _position.unpack(mark)
        if swept is None:
            # RocksDB's own estimate will do for a start. It may be zero where there are many: each key that
            # was deleted counts twice.
            self.size = self._db.property_int_value("rocksdb.estimate-num-keys") or 0
        else:
            self.size, self._kept = _sweep.unpack_from(swept)
            self._sweep_from = swept[_sweep.size :]
        return bool(now_ms - written_ms <= MAX_AGE_MS)

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """See :class:`.stores.Store`."""
        with noticing(self.path):
            found: list[bytes | None] = self._db.get(keys)
        if not self._gathered:
            return found
        return list(map(self._gathered.get, keys, found))

    def reset(self) -> None:
        """Forget everything; the changelog has it."""
        self._gathered, self._spent, self._behind = {}, [], False
        self._db.close()
        rocksdict.Rdict.destroy(str(self.path), options=_options(self._cache))
        self._open()

    def write(
        self, items: Mapping[bytes, bytes | None], position: int, now_ms: int, spent: Iterable[bytes] = ()
    ) -> None:
        """See :class:`.stores.Store`."""
        self._gathered.update(items)
        self.size += len(items)
        self._kept += len(items)
        self._written_ms = now_ms
        self.position = position
        self.spend(spent)

    def spend(self, entries: Iterable[bytes]) -> None:
        """See :class:`.stores.Store`."""
        self._spent += entries
        self._behind = True
        if len(self._gathered) + len(self._spent) >= _GATHER:
            self._flush()

    def _flush(self) -> None:
        """Into RocksDB with what has been gathered. Whatever looks at more than the states of given keys
        begins with it.
        """
        if not self._behind:
            return
        batch = rocksdict.WriteBatch(raw_mode=True)
        put = batch.put
        for entry in self._spent:
            batch.delete(entry)
        for key, value in self._gathered.items():
            if value is None:
                batch.delete(key)
            else:
                put(key, value)
                due = frame.due_bytes(value)
                if due is not None:
                    entry = _DUE + due + key
                    put(entry, b"")
                    if entry < self._due_from:
                        self._due_from = entry
        put(_POSITION, _position.pack(self.position, self._written_ms))
        with noticing(self.path):
            self._db.write(batch)
        self._gathered, self._spent, self._behind = {}, [], False

    def due(self, until_ms: int, limit: int) -> list[tuple[bytes, int, bytes]]:
        """See :class:`.stores.Store`."""
        found: list[tuple[bytes, int, bytes]] = []
        for entry, due_ms in self._due_entries():
            if due_ms > until_ms or len(found) >= limit:
                break
            found.append((entry, due_ms, entry[_DUE_KEY:]))
        return found

    def first_due(self) -> int | None:
        """See :class:`.stores.Store`."""
        _, first = next(self._due_entries(), (None, None))
        return first

    def _due_entries(self) -> Iterator[tuple[bytes, int]]:
        """Due entries with their times, earliest first.

        Those in front were spent, but RocksDB walks over all that was deleted until it has compacted it away:
        where the first one is left is remembered, and the next look begins there.
        """
        self._flush()
        with noticing(self.path):
            entries = self._db.iter()
            entries.seek(self._due_from)
            self._due_from = _NO_DUE
            while entries.valid() and (entry := entries.key()).startswith(_DUE):
                self._due_from = min(self._due_from, entry)
                yield entry, int.from_bytes(entry[len(_DUE) : _DUE_KEY], "big")
                entries.next()
            entries.status()  # an iterator just ends at a damaged block; this raises

    def held(self, looks: int) -> int | None:
        """See :class:`.stores.Store`. An entry counts when the state of its key still has its time."""
        self._flush()
        found: list[bytes] = []
        with noticing(self.path):
            entries = self._db.iter(self._in_passing)
            entries.seek(self._held_from)
            while len(found) < looks and entries.valid() and (entry := entries.key()).startswith(_DUE):
                found.append(entry)
                entries.next()
            entries.status()
            states = self._db.get([entry[_DUE_KEY:] for entry in found]) if found else []
        for entry, stored in zip(found, states, strict=True):
            self._counting += stored is not None and frame.due_bytes(stored) == entry[len(_DUE) : _DUE_KEY]
        if len(found) == looks:
            self._held_from = found[-1] + b"\0"
        else:
            self._held, self._counting, self._held_from = self._counting, 0, _DUE
        return self._held

    def sweep(self, written_before_s: int, looks: int) -> int:
        """See :class:`.stores.Store`."""
        self._flush()
        batch = rocksdict.WriteBatch(raw_mode=True)
        young, end = frame.from_second(written_before_s)
        looked = dropped = 0
        with noticing(self.path):
            entries = self._db.iter(self._in_passing)
            entries.seek(self._sweep_from)
            valid, value, go_on = entries.valid, entries.value, entries.next
            # Each look is made several times in the life of every state: half of it is calls.
            while looked < looks and valid():
                looked += 1
                stored = value()
                if not young <= stored < end:
                    written = frame.written_s(stored)
                    if written is not None and written < written_before_s:
                        batch.delete(entries.key())
                        dropped += 1
                go_on()
            self._kept += looked - dropped
            if valid():
                self._sweep_from = entries.key()
            else:
                entries.status()
                self.size, self._kept, self._sweep_from = self._kept, 0, FIRST_KEY
            batch.put(_SWEEP, _sweep.pack(self.size, self._kept) + self._sweep_from)
            self._db.write(batch)
        return dropped

    def states(self) -> Iterator[tuple[bytes, bytes]]:
        """See :class:`.stores.Store`."""
        self._flush()
        with noticing(self.path):
            entries = self._db.iter(self._in_passing)
            entries.seek(FIRST_KEY)
            while entries.valid():
                yield entries.key(), frame.body(entries.value())
                entries.next()
            entries.status()

    def close(self) -> None:
        """See :class:`.stores.Store`. The lock of the files is one of the things released."""
        try:
            self._flush()
        finally:
            self._db.close()
