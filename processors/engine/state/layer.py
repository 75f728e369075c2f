"""One RocksDB: all of a store, or what was written to it in some span of time (:mod:`.rocksdb`)."""

import logging
import os
import shutil
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Thread
from typing import Final

import rocksdict

from processors.engine.state.damage import Damaged
from processors.engine.stores import RESERVED

log = logging.getLogger(__name__)

#: Every key of a processor sorts after it.
FIRST_KEY: Final = b"\1"
_POSITION = RESERVED + b"position"
_AGES = RESERVED + b"written"  # beside the position, in the same block
DUE: Final = RESERVED + b"due"
DUE_KEY: Final = len(DUE) + 8
#: Every due entry sorts before it.
_NO_DUE = RESERVED + b"e"
#: How many states there were, in releases before layers.
_SIZE = RESERVED + b"sweep"
_position = struct.Struct(">qq")
_ages = struct.Struct(">qqq")

_DROPPED = ".dropped"


class Layer:
    """States, due entries, and the position up to which the changelog is in here and in those below, but for
    what was written anew above.
    """

    def __init__(self, path: Path, options: rocksdict.Options) -> None:
        """Raises :class:`Damaged`, and what RocksDB raises."""
        self.path = path
        #: For looks at everything, which must not drive out what the next events need.
        self._in_passing = rocksdict.ReadOptions()
        self._in_passing.fill_cache(False)
        #: There is no due entry before it.
        self._due_from = DUE
        self.db = rocksdict.Rdict(str(path), options=options)
        try:
            writing = rocksdict.WriteOptions()
            writing.memtable_insert_hint_per_batch = True
            self.db.set_write_options(writing)
            self._recall()
        except BaseException:
            self.db.close()
            raise

    def _recall(self) -> None:
        #: Offset of the last changelog record that is in here, or in a layer below; -1: not known.
        self.position = -1
        #: When that was written.
        self.written_ms = 0
        #: The time of writing of its first states (0: not known, or the table is kept for ever), and of its
        #: latest; how many were written.
        self.begun_s, self.newest_s, self.written = 0, 0, 0
        mark, ages, size = self.db.get([_POSITION, _AGES, _SIZE])
        if mark is None:
            entries = self.db.iter()
            entries.seek_to_first()
            entries.status()
            if entries.valid():
                raise Damaged("it has states, but no position")
            return
        self.position, self.written_ms = _position.unpack(mark)
        if ages is not None:
            self.begun_s, self.newest_s, self.written = _ages.unpack(ages)
        else:
            self.newest_s = self.written_ms // 1000
            # RocksDB's estimate may be zero where there are many.
            self.written = (self.estimate() or 1) if size is None else int.from_bytes(size[:8], "big")

    def estimate(self) -> int:
        """Entries, by RocksDB's estimate: as many as there are keys, and what it has not compacted yet. Zero,
        or few, where it was opened without counting.
        """
        return self.db.property_int_value("rocksdb.estimate-num-keys") or 0

    def write(self, batch: rocksdict.WriteBatch, position: int, written_ms: int) -> None:
        """What has changed, with what follows from it for the layer."""
        self.position, self.written_ms = position, written_ms
        batch.put(_POSITION, _position.pack(position, written_ms))
        batch.put(_AGES, _ages.pack(self.begun_s, self.newest_s, self.written))
        self.db.write(batch)

    def delete(self, keys: Iterable[bytes]) -> None:
        """States and due entries that mean nothing any more."""
        batch = rocksdict.WriteBatch(raw_mode=True)
        for key in keys:
            batch.delete(key)
        self.db.write(batch)

    def expect_due(self, entry: bytes) -> None:
        """A due entry is about to be written."""
        self._due_from = min(self._due_from, entry)

    def due(self) -> Iterator[bytes]:
        """Due entries, earliest first.

        Those in front were spent, but RocksDB walks over all that was deleted until it has compacted it away:
        where the first one is left is remembered, and the next look begins there.
        """
        start, self._due_from = self._due_from, _NO_DUE
        for entry in self.due_after(start, rocksdict.ReadOptions()):
            self._due_from = min(self._due_from, entry)
            yield entry

    def due_after(self, start: bytes, options: rocksdict.ReadOptions | None = None) -> Iterator[bytes]:
        """Due entries from this one on."""
        entries = self.db.iter(options or self._in_passing)
        entries.seek(start)
        while entries.valid() and (entry := entries.key()).startswith(DUE):
            yield entry
            entries.next()
        entries.status()  # an iterator just ends at a damaged block; this raises

    def stored(self) -> Iterator[tuple[bytes, bytes]]:
        """Keys with their stored forms, by key."""
        entries = self.db.iter(self._in_passing)
        entries.seek(FIRST_KEY)
        while entries.valid():
            yield entries.key(), entries.value()
            entries.next()
        entries.status()

    def finish(self) -> None:
        """Nothing is added any more: all of it is on the disk before anything is written above it."""
        self.db.flush(True)

    def drop(self) -> Path:
        """Whole or not at all, whenever a crash or a power failure comes. Where its files are now, to be
        removed (:func:`remove`).
        """
        self.db.close()
        dropped = self.path.with_suffix(_DROPPED)
        self.path.rename(dropped)
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        return dropped


def remove(dropped: Path) -> None:
    """The files of a layer that was dropped; those that a crash leaves go when the store is opened."""
    shutil.rmtree(dropped)


def removal(dropped: Path) -> Thread:
    """:func:`remove`, begun: of many large files it takes long, and nobody has to wait for it."""
    thread = Thread(target=_remove_unheard, args=(dropped,))
    thread.start()
    return thread


def _remove_unheard(dropped: Path) -> None:
    """Nobody is there to be told of an error; what is left of the files goes when the store is opened."""
    try:
        remove(dropped)
    except OSError as error:
        log.warning("old states stay on the disk", extra={"store": str(dropped), "because": str(error)})


def open_layers(path: Path, options: rocksdict.Options) -> list[Layer]:
    """Those of the store at ``path``, the oldest first; at least one.

    They are numbered without gaps. Raises :class:`Damaged`, and what RocksDB raises.
    """
    path.mkdir(parents=True, exist_ok=True)
    _adopt(path)
    for dropped in path.glob(f"*{_DROPPED}"):
        remove(dropped)
    numbers = sorted(int(one.name) for one in path.iterdir() if one.name.isdigit()) or [0]
    if len(numbers) > 1 and _is_unborn(path / str(numbers[-1])):
        shutil.rmtree(path / str(numbers.pop()))
    if numbers[-1] - numbers[0] + 1 != len(numbers) or any(one.is_file() for one in path.iterdir()):
        raise Damaged("it is incomplete")
    layers: list[Layer] = []
    try:
        for number in numbers:
            directory = path / str(number)
            # Without it RocksDB would begin a new database, and yet replay the old log into it.
            if directory.exists() and not (directory / "CURRENT").exists():
                raise Damaged("it is incomplete")
            layers.append(Layer(directory, options))
    except BaseException:
        close_layers(layers)
        raise
    return layers


def _is_unborn(directory: Path) -> bool:
    """Was it interrupted before there was a database? Everything is still in the layers below then."""
    return not any(one.name == "CURRENT" or one.suffix in {".log", ".sst"} for one in directory.iterdir())


def next_layer(below: Layer, options: rocksdict.Options) -> Layer:
    """An empty one, above the one that was the latest so far."""
    return Layer(below.path.with_name(str(int(below.path.name) + 1)), options)


def close_layers(layers: Iterable[Layer]) -> None:
    """All of them, whatever closing one raises: of several the last."""
    failed: Exception | None = None
    for layer in layers:
        try:
            layer.db.close()
        except Exception as exc:
            failed = exc
    if failed is not None:
        raise failed


def _adopt(path: Path) -> None:
    """Releases before layers had one database, in ``path`` itself: it becomes the first layer.

    ``CURRENT`` goes last, so that a crash on the way does not matter.
    """
    if not (path / "CURRENT").exists():
        return
    first = path / "0"
    first.mkdir(exist_ok=True)
    files = [one for one in path.iterdir() if one.is_file()]
    for file in sorted(files, key=lambda one: one.name == "CURRENT"):
        file.rename(first / file.name)
