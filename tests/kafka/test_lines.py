"""Lines of a stream: numbered, bounded, and there as soon as they are written."""

import io
import os

import pytest

from processors.kafka.lines import ChunkReader, Splitter


def split(*chunks: bytes, limit: int = 100) -> list[tuple[int, bytes]]:
    splitter = Splitter(limit)
    return [(line.number, line.text) for chunk in (*chunks, b"") for line in splitter.lines(chunk)]


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([], []),
        ([b"a\nb\n"], [(1, b"a"), (2, b"b")]),
        ([b"a\nb"], [(1, b"a"), (2, b"b")]),
        ([b"ab", b"c\nd", b"e\n"], [(1, b"abc"), (2, b"de")]),
        ([b"a\r\nb\r\n"], [(1, b"a"), (2, b"b")]),
        # Blank lines count, and are not given.
        ([b"\n\na\n  \nb\n"], [(3, b"a"), (5, b"b")]),
        ([b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n"], [(1, b"a"), (2, b"\xef\xbb\xbfb")]),
        ([b" a \n"], [(1, b" a ")]),
    ],
)
def test_lines(chunks: list[bytes], lines: list[tuple[int, bytes]]) -> None:
    assert split(*chunks) == lines


def test_of_a_line_without_an_end_little_is_kept() -> None:
    splitter = Splitter(10)
    for _ in range(100):
        assert list(splitter.lines(b"x" * 1000)) == []
    ((number, text),) = splitter.lines(b"y\nz")
    assert number == 1
    assert 10 < len(text) <= 12
    assert list(splitter.lines(b"")) == [(2, b"z")]


async def test_chunks_until_the_end() -> None:
    reader = ChunkReader(io.BytesIO(b"abc"))
    assert await reader.next() == b"abc"
    assert await reader.next() == b""


async def test_a_pipe_that_rests_is_told_from_one_that_ends() -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb", buffering=0) as stream:
        reader = ChunkReader(stream)
        assert await reader.next(0.01) is None
        os.write(write, b"now\n")
        assert await reader.next(5) == b"now\n"
        os.close(write)
        assert await reader.next(5) == b""


async def test_errors_of_the_stream_are_raised() -> None:
    class Broken(io.RawIOBase):
        def read(self, _size: int = -1, /) -> bytes:
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        await ChunkReader(Broken()).next()
