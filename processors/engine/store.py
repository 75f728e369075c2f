"""One RocksDB per table and partition: states, the position in the changelog, and the index of due times.

Values and position are written in one WriteBatch, so a store is always an exact prefix of its changelog.
What a crash loses (the last few changes are gathered in memory, the write-ahead log is not fsynced) a restore
reads again from that position.

RocksDB's own TTL is not used: with rocksdict 0.3.29 a database opened ``with_ttl`` a second time drops
*every* entry at its next compaction, fresh ones too. :meth:`PartitionStore.sweep` takes its place.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import rocksdict

from processors.engine import frame
from processors.engine.damage import noticing, open_database

#: First byte of the engine's own keys. Keys of processors never start with it.
RESERVED = b"\0"
#: Every key of a processor sorts after it.
FIRST_KEY = b"\1"
_POSITION = RESERVED + b"position"
_DUE = RESERVED + b"due"
_DUE_KEY = len(_DUE) + 8
_position = struct.Struct(">qq")

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
    """The states of one partition of one table. Not for use across an ``await`` that may see it closed."""

    def __init__(self, path: Path, cache: rocksdict.Cache, now_ms: int) -> None:
        self.path = path
        self._cache = cache
        self._sweep_from: bytes | None = None
        #: What RocksDB does not have yet: states, and due entries that are used up.
        self._gathered: dict[bytes, bytes | None] = {}
        self._spent: list[bytes] = []
        self._written_ms = now_ms
        self._behind = False
        path.parent.mkdir(parents=True, exist_ok=True)
        self._open()
        mark = self._db.get(_POSITION)
        if mark is not None:
            self.position, written_ms = _position.unpack(mark)
        if (mark is None and next(iter(self._db.keys()), None) is not None) or (
            mark is not None and now_ms - written_ms > MAX_AGE_MS
        ):
            self.reset()

    def _open(self) -> None:
        self._db = open_database(self.path, _options(self._cache))
        writing = rocksdict.WriteOptions()
        writing.memtable_insert_hint_per_batch = True
        self._db.set_write_options(writing)
        #: Offset of the last changelog record that is in here; -1: none.
        self.position = -1

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The stored forms of the keys' states."""
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
        """Stored forms (None: gone) that the changelog holds up to ``position``; ``spent`` due entries go."""
        self._gathered.update(items)
        self._written_ms = now_ms
        self.position = position
        self.spend(spent)

    def spend(self, entries: Iterable[bytes]) -> None:
        """Drop due entries that no longer mean anything. They are local: nothing goes to the changelog."""
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
                    put(_DUE + due + key, b"")
        put(_POSITION, _position.pack(self.position, self._written_ms))
        with noticing(self.path):
            self._db.write(batch)
        self._gathered, self._spent, self._behind = {}, [], False

    def due(self, until_ms: int, limit: int) -> list[tuple[bytes, int, bytes]]:
        """(entry, due time, key), earliest first.

        An entry is only a hint: overwriting a state leaves its old entry behind. Whoever takes it compares
        with the state's own due time and spends it if they differ.
        """
        self._flush()
        found: list[tuple[bytes, int, bytes]] = []
        for entry in self._db.keys(from_key=_DUE):
            due_ms = int.from_bytes(entry[len(_DUE) : _DUE_KEY], "big")
            if not entry.startswith(_DUE) or due_ms > until_ms or len(found) >= limit:
                break
            found.append((entry, due_ms, entry[_DUE_KEY:]))
        return found

    def first_due(self) -> int | None:
        """Time of the earliest due entry."""
        self._flush()
        entry = next(iter(self._db.keys(from_key=_DUE)), None)
        if entry is None or not entry.startswith(_DUE):
            return None
        return int.from_bytes(entry[len(_DUE) : _DUE_KEY], "big")

    def sweep(self, written_before_s: int, limit: int) -> int:
        """Look at up to ``limit`` entries, drop those written earlier; the next call goes on behind them.

        Local only: the changelog of such a table forgets by its own retention.
        """
        self._flush()
        batch = rocksdict.WriteBatch(raw_mode=True)
        dropped = 0
        for seen, (key, value) in enumerate(self._db.items(from_key=self._sweep_from or FIRST_KEY)):
            if seen == limit:
                self._sweep_from = key
                break
            written = frame.written_s(value)
            if written is not None and written < written_before_s:
                batch.delete(key)
                dropped += 1
        else:
            self._sweep_from = None
        if dropped:
            self._db.write(batch)
        return dropped

    def states(self) -> Iterator[tuple[bytes, bytes]]:
        """Every key with its dumped state. For inspection and tests."""
        self._flush()
        for key, value in self._db.items(from_key=FIRST_KEY):
            yield key, frame.body(value)

    def close(self) -> None:
        """Release the lock now, not when the garbage collector comes by."""
        try:
            self._flush()
        finally:
            self._db.close()
