"""Byte strings on disk, by bucket: what belongs together is together, and memory stays bounded."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_BUFFER: Final = 8 << 20
_LENGTH: Final = 4


class Buckets:
    """``count`` files in a directory of their own, of which none is open between two calls.

    Not for several threads. Raises ``OSError`` when the disk is full.
    """

    def __init__(self, directory: Path, count: int) -> None:
        directory.mkdir(parents=True)
        self.count = count
        self._paths = [directory / str(number) for number in range(count)]
        self._buffers = [bytearray() for _ in range(count)]
        self._buffered = 0

    def number_of(self, key: bytes) -> int:
        """Of the bucket in which what has this key is."""
        return zlib.crc32(key) % self.count

    def add(self, key: bytes, item: bytes) -> None:
        """Keep ``item`` in the bucket of ``key``, behind what is there."""
        buffer = self._buffers[self.number_of(key)]
        buffer += len(item).to_bytes(_LENGTH, "big")
        buffer += item
        self._buffered += _LENGTH + len(item)
        if self._buffered > _BUFFER:
            self.flush()

    def flush(self) -> None:
        """Write what is in memory."""
        for path, buffer in zip(self._paths, self._buffers, strict=True):
            if buffer:
                with path.open("ab") as file:
                    file.write(buffer)
                buffer.clear()
        self._buffered = 0

    def take(self, number: int) -> Iterator[bytes]:
        """The items of a bucket, in the order in which they came; then its file is gone."""
        self.flush()
        path = self._paths[number]
        if not path.exists():
            return
        with path.open("rb") as file:
            while header := file.read(_LENGTH):
                yield file.read(int.from_bytes(header, "big"))
        path.unlink()
