"""One store per table and partition on the disk: states, the position in the changelog, and the index of due
times.

Values and position are written in one WriteBatch. What a crash loses (the last few changes are gathered in
memory, the write-ahead log is not fsynced) a restore reads again from that position. After a crash of the
process a store is an exact prefix of its changelog. A power failure may leave less of a store in layers:
former versions are deleted below, and the later ones that were lost above are in the changelog behind the
position. So it is to be read from only when the restore is through.

A table without a retention is one RocksDB. Of one with a retention each half of it has one of its own, a
*layer* (:mod:`.layer`): what is written goes into the latest, what is read is looked for in all of them, and
one in which nothing is young enough any more is deleted as files. Only the oldest is ever dropped, so that
nothing in it comes to light again that was written anew since, or deleted: which is remembered (``_GONE``)
for as long as there are layers below.

RocksDB's own TTL is not used: with rocksdict 0.3.29 a database opened ``with_ttl`` a second time drops
*every* entry at its next compaction, fresh ones too.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter, itemgetter
from pathlib import Path
from threading import Thread

import rocksdict

from processors.engine import frame
from processors.engine.state.damage import noticing, opened
from processors.engine.state.layer import (
    DUE,
    DUE_KEY,
    Layer,
    close_layers,
    next_layer,
    open_layers,
    removal,
    remove,
)

#: The stored form of a state that is gone, where a layer below may have it. No frame begins like that.
_GONE = b"\xff"
#: Layers in a retention.
_LAYERS = 2
#: At most: each is looked into for every key. Usual are those of a retention and the one before. There are
#: more where the watermark stands still, and in a restore under a retention that has become shorter; what is
#: written then all goes into the last one.
_MOST_LAYERS = 8
#: Keys that are remembered because they are in no layer. None needs to be.
_MOST_NEW = 20_000

#: Changes are gathered until they are so many, or so large: to write one costs almost what it costs to write
#: all of them.
_GATHER = 1_600
_GATHER_BYTES = 4 << 20
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


def _options(cache: rocksdict.Cache, *, counted: bool) -> rocksdict.Options:
    """``counted``: the database knows how many entries it has."""
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
    options.set_skip_stats_update_on_db_open(not counted)
    blocks = rocksdict.BlockBasedOptions()
    blocks.set_block_cache(cache)
    blocks.set_bloom_filter(10, block_based=False)
    options.set_block_based_table_factory(blocks)
    return options


class PartitionStore:
    """A :class:`.stores.Store` on the disk."""

    def __init__(
        self, path: Path, cache: rocksdict.Cache, now_ms: int, retention_ms: int | None = None
    ) -> None:
        """``retention_ms``: of the table, as it is today; None: states are kept for ever."""
        self.path = path
        self._options = _options(cache, counted=retention_ms is None)
        self._span_s = None if retention_ms is None else max(1, retention_ms // (1000 * _LAYERS))
        #: What no layer has yet: states, and due entries that are used up.
        self._gathered: dict[bytes, bytes | None] = {}
        self._gathered_bytes = 0
        self._spent: list[bytes] = []
        self._removal: Thread | None = None
        #: Keys that are in no layer, as far as has been seen: nothing below needs to be deleted for them.
        self._new: set[bytes] = set()
        self._written_ms = now_ms
        self._behind = False
        self._open()
        latest = max(self._layers, key=attrgetter("position"))
        if self.position >= 0 and now_ms - latest.written_ms > MAX_AGE_MS:
            self.reset()

    def _open(self) -> None:
        self._layers: list[Layer] = opened(self.path, lambda path: open_layers(path, self._options))
        #: Offset of the last changelog record that is in here; -1: none.
        self.position = max(layer.position for layer in self._layers)
        if self._span_s is None:  # what is written again for ever must not count as often
            for layer in self._layers:
                layer.written = layer.estimate()
        #: States that have a due time, as of the last count; and the count under way, with where it goes on.
        self._held: int | None = None
        self._counting, self._held_from = 0, DUE

    @property
    def size(self) -> int:
        """See :class:`.stores.Store`."""
        return sum(layer.written for layer in self._layers) + len(self._gathered)

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """See :class:`.stores.Store`."""
        with noticing(self.path):
            found: list[bytes | None] = self._layers[-1].db.get(keys)
            if len(self._layers) > 1:
                for layer in self._layers[-2::-1]:
                    found = [above or below for above, below in zip(found, layer.db.get(keys), strict=True)]
                if len(self._new) > _MOST_NEW:
                    self._new.clear()
                self._new.update([key for key, stored in zip(keys, found, strict=True) if stored is None])
            if _GONE in found:
                found = [None if stored == _GONE else stored for stored in found]
        if not self._gathered:
            return found
        return list(map(self._gathered.get, keys, found))

    def reset(self) -> None:
        """Forget everything; the changelog has it."""
        self._forget_gathered()
        self._new.clear()
        self._wait_for_removal()
        for layer in reversed(self._layers):  # what a crash leaves has no gap
            remove(layer.drop())
        self._open()

    def _forget_gathered(self) -> None:
        self._gathered, self._gathered_bytes, self._spent, self._behind = {}, 0, [], False

    def write(
        self, items: Mapping[bytes, bytes | None], position: int, now_ms: int, spent: Iterable[bytes] = ()
    ) -> None:
        """See :class:`.stores.Store`."""
        self._gathered.update(items)
        self._gathered_bytes += sum(map(len, filter(None, items.values())))
        self._written_ms = now_ms
        self.position = position
        self.spend(spent)

    def spend(self, entries: Iterable[bytes]) -> None:
        """See :class:`.stores.Store`."""
        self._spent += entries
        self._behind = True
        if len(self._gathered) + len(self._spent) >= _GATHER or self._gathered_bytes >= _GATHER_BYTES:
            self._flush()

    def _flush(self) -> None:
        """Into the latest layer with what has been gathered. Whatever looks at more than the states of given
        keys begins with it.
        """
        if not self._behind:
            return
        with noticing(self.path):
            top = self._layer_for([value for value in self._gathered.values() if value is not None])
            batch = rocksdict.WriteBatch(raw_mode=True)
            put = batch.put
            for entry in self._spent:
                batch.delete(entry)
            for key, value in self._gathered.items():
                if value is not None:
                    put(key, value)
                    due = frame.due_bytes(value)
                    if due is not None:
                        entry = DUE + due + key
                        put(entry, b"")
                        top.expect_due(entry)
                elif len(self._layers) > 1:
                    put(key, _GONE)
                else:
                    batch.delete(key)
            top.write(batch, self.position, self._written_ms)
            if len(self._layers) > 1:
                self._delete_below()
        self._new.difference_update(self._gathered)
        self._forget_gathered()

    def _layer_for(self, states: list[bytes]) -> Layer:
        """The latest layer; a new one when the time has come for it."""
        top, now_s = self._layers[-1], self._written_ms // 1000
        if not states:
            return top
        newest_s = now_s
        if self._span_s is None:
            top.written = top.estimate()
        else:
            newest_s = frame.newest_s(states) or now_s
            # Earlier: the clock was ahead.
            is_of_it = top.begun_s - self._span_s <= newest_s < top.begun_s + self._span_s
            if not is_of_it and top.written and len(self._layers) < _MOST_LAYERS:
                top = self._begin_layer()
            top.begun_s = top.begun_s or newest_s
        top.newest_s = max(top.newest_s, newest_s)
        top.written += len(states)
        return top

    def _begin_layer(self) -> Layer:
        self._layers[-1].finish()
        self._layers.append(next_layer(self._layers[-1], self._options))
        return self._layers[-1]

    def _delete_below(self) -> None:
        """Former versions of what was written, which nobody is to find on the disk for long; and due entries,
        which may be in any layer.
        """
        keys = list(self._gathered.keys() - self._new)
        for layer in self._layers[:-1]:
            former = [key for key, stored in zip(keys, layer.db.get(keys), strict=True) if stored is not None]
            if former or self._spent:
                layer.delete((*former, *self._spent))

    def due(self, until_ms: int, limit: int) -> list[tuple[bytes, int, bytes]]:
        """See :class:`.stores.Store`."""
        found: list[tuple[bytes, int, bytes]] = []
        for entry, due_ms in self._due_entries():
            if due_ms > until_ms or len(found) >= limit:
                break
            found.append((entry, due_ms, entry[DUE_KEY:]))
        return found

    def first_due(self) -> int | None:
        """See :class:`.stores.Store`."""
        _, first = next(self._due_entries(), (None, None))
        return first

    def _due_entries(self) -> Iterator[tuple[bytes, int]]:
        """Due entries with their times, earliest first."""
        self._flush()
        with noticing(self.path):
            for entry in _merged([layer.due() for layer in self._layers]):
                yield entry, int.from_bytes(entry[len(DUE) : DUE_KEY], "big")

    def held(self, looks: int) -> int | None:
        """See :class:`.stores.Store`. An entry counts when the state of its key still has its time."""
        self._flush()
        with noticing(self.path):
            entries = _merged([layer.due_after(self._held_from) for layer in self._layers])
            found = [entry for _, entry in zip(range(looks), entries, strict=False)]
            states = self.get_many([entry[DUE_KEY:] for entry in found]) if found else []
        for entry, stored in zip(found, states, strict=True):
            self._counting += stored is not None and frame.due_bytes(stored) == entry[len(DUE) : DUE_KEY]
        if len(found) == looks:
            self._held_from = found[-1] + b"\0"
        else:
            self._held, self._counting, self._held_from = self._counting, 0, DUE
        return self._held

    def drop(self, written_before_s: int) -> int:
        """See :class:`.stores.Store`. The oldest layer, if all of it was written earlier."""
        self._flush()
        with noticing(self.path):
            top = self._layers[-1]
            if top.written and top.newest_s < written_before_s and len(self._layers) < _MOST_LAYERS:
                self._keep_position_above()
            oldest = self._layers[0]
            if oldest is self._layers[-1] or self._oldest_s(written_before_s) >= written_before_s:
                return 0
            if any(oldest.due()):
                return 0
            del self._layers[0]
            self._wait_for_removal()
            self._removal = removal(oldest.drop())
        return oldest.written

    def _keep_position_above(self) -> None:
        """All can be dropped then, and what is dropped is not restored again."""
        self._begin_layer().write(rocksdict.WriteBatch(raw_mode=True), self.position, self._written_ms)

    def _oldest_s(self, written_before_s: int) -> int:
        """When the latest state of the oldest layer was written. If that is to come yet, by more than half a
        retention, a clock was ahead: then it was at the latest when those of the layer above were.
        """
        future_s = written_before_s + (_LAYERS + 1) * (self._span_s or 0)
        return next((layer.newest_s for layer in self._layers if layer.newest_s <= future_s), future_s)

    def _wait_for_removal(self) -> None:
        if self._removal is not None:
            self._removal.join()

    def states(self) -> Iterator[tuple[bytes, bytes]]:
        """See :class:`.stores.Store`."""
        self._flush()
        with noticing(self.path):
            last = b""
            latest_first = reversed(self._layers)
            for key, stored in heapq.merge(*[layer.stored() for layer in latest_first], key=itemgetter(0)):
                if key != last and stored != _GONE:
                    yield key, frame.body(stored)
                last = key

    def close(self) -> None:
        """See :class:`.stores.Store`. The lock of the files is one of the things released."""
        try:
            self._flush()
        finally:
            close_layers(self._layers)
            self._wait_for_removal()


def _merged(sides: list[Iterator[bytes]]) -> Iterator[bytes]:
    """In order, each once."""
    if len(sides) == 1:
        yield from sides[0]
        return
    last = b""
    for one in heapq.merge(*sides):
        if one != last:
            yield one
            last = one
