"""Streams that are compressed, whatever they are called."""

import gzip
import io
import sys
from collections.abc import Callable

import pytest

from processors.errors import CheckFailed
from processors.feeding.unpacking import Counted, unpacked

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = b"".join(b'{"number":%d}\n' % number for number in range(50_000))


class Trickle(io.RawIOBase):
    """A pipe that has few bytes at a time."""

    def __init__(self, content: bytes, most: int) -> None:
        self._file, self._most = io.BytesIO(content), most

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(self._most if size < 0 else min(size, self._most))


def everything(content: bytes, most: int = 1 << 20) -> bytes:
    stream = unpacked(Trickle(content, most))
    return b"".join(iter(lambda: stream.read(1 << 16) or b"", b""))


@pytest.mark.parametrize("most", [1, 7, 1 << 20])
@pytest.mark.parametrize("content", [b"", b"x", b"\x1f\x8b"[:1], TEXT[:5_000]])
def test_what_is_not_compressed_stays_as_it_is(content: bytes, most: int) -> None:
    assert everything(content, most) == content


@pytest.mark.parametrize("most", [3, 1000, 1 << 20])
@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress])
def test_compressed(compress: Callable[[bytes], bytes], most: int) -> None:
    text = TEXT[:20_000] if most == 3 else TEXT
    assert everything(compress(text), most) == text
    # As made by appending one file to another.
    assert everything(compress(text) + compress(b"more"), most) == text + b"more"
    assert everything(compress(b"")) == b""


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress])
def test_cut_off_or_damaged(compress: Callable[[bytes], bytes]) -> None:
    packed = compress(TEXT)
    for content in (packed[: len(packed) // 2], packed[:2000] + b"\0" * 50 + packed[2050:], packed[:-1]):
        with pytest.raises(CheckFailed, match="damaged or cut off"):
            everything(content)


def test_a_chunk_is_no_larger_than_it_was_asked_for_however_well_it_was_compressed() -> None:
    stream = unpacked(io.BytesIO(gzip.compress(bytes(10_000_000))))
    assert len(stream.read(1 << 16) or b"") <= 1 << 16


def test_what_was_taken_is_counted_as_it_is_stored() -> None:
    packed = gzip.compress(TEXT)
    counted = Counted(io.BytesIO(packed))
    stream = unpacked(counted)
    while stream.read(1 << 16):
        pass
    assert counted.taken == len(packed)
