"""Streams as they are stored → the bytes that are meant."""

import gzip
import sys
import zlib
from typing import Any, Final, Protocol

from processors.errors import CheckFailed

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdError, ZstdFile
else:
    from backports.zstd import ZstdError, ZstdFile

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_MAGIC_BYTES: Final = 4


class RawReader(Protocol):
    """An unbuffered binary stream: ``read`` returns what is there, ``b""`` at the end."""

    def read(self, size: int, /) -> bytes | None: ...


class Counted:
    """The same stream. ``taken``: how many bytes were read of it."""

    def __init__(self, stream: RawReader) -> None:
        self._stream = stream
        self.taken = 0

    def read(self, size: int = -1, /) -> bytes:
        """As the stream does."""
        chunk = self._stream.read(size) or b""
        self.taken += len(chunk)
        return chunk


class _Begun:
    """A stream of which the beginning was read."""

    def __init__(self, head: bytes, stream: RawReader) -> None:
        self._head, self._stream = head, stream

    def read(self, size: int = -1, /) -> bytes:
        if not self._head:
            return self._stream.read(size) or b""
        end = len(self._head) if size < 0 else size
        head, self._head = self._head[:end], self._head[end:]
        return head


class _Packed:
    """A compressed stream, read as what is in it."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int, /) -> bytes:
        try:
            return self._file.read1(size)  # type: ignore[no-any-return]
        except (EOFError, zlib.error, gzip.BadGzipFile, ZstdError) as error:
            raise CheckFailed(
                f"the compressed data is damaged or cut off: {error}",
                "Get the file once more and send all of it: what is sent twice counts once.",
            ) from error


def unpacked(stream: RawReader) -> RawReader:
    """The content of what is compressed with gzip or Zstandard; else the stream itself.

    Reads the first bytes, and raises what the stream raises; what it returns raises ``CheckFailed`` for what
    is damaged.
    """
    head = b""
    while len(head) < _MAGIC_BYTES and (chunk := stream.read(_MAGIC_BYTES - len(head))):
        head += chunk
    whole: Any = _Begun(head, stream)
    if head.startswith(_GZIP):
        return _Packed(gzip.GzipFile(fileobj=whole, mode="rb"))
    if head == _ZSTD:
        return _Packed(ZstdFile(whole))
    return whole  # type: ignore[no-any-return]
