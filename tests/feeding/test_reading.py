"""Streams of any form, read ahead in a thread."""

import gzip
import io
import os

import pytest

from processors.errors import CheckFailed
from processors.feeding.lines import Line
from processors.feeding.reading import LineReader
from processors.feeding.unpacking import RawReader


async def read(stream: RawReader | bytes) -> list[tuple[int, bytes]]:
    reader = LineReader(io.BytesIO(stream) if isinstance(stream, bytes) else stream, typed=True)
    found: list[Line] = []
    last = False
    while not last:
        lines, _, last = await reader.next()
        found += lines
    return [(line.number, line.text) for line in found]


@pytest.mark.parametrize(
    "text",
    [b'{"a":1}\n\n{"a":2}\n', b'[{"a":1},\n\n{"a":2}]', b'{\n}\n{"a":2}', b"", b" \n", b"clickId\n\nc2\n"],
    ids=["lines", "array", "objects", "nothing", "blanks", "table"],
)
async def test_every_form_with_and_without_a_mark_compressed_and_not(text: bytes) -> None:
    expected = {
        b'{"a":1}\n\n{"a":2}\n': [(1, b'{"a":1}'), (3, b'{"a":2}')],
        b'[{"a":1},\n\n{"a":2}]': [(1, b'{"a":1}'), (3, b'{"a":2}')],
        b'{\n}\n{"a":2}': [(1, b"{\n}"), (3, b'{"a":2}')],
        b"clickId\n\nc2\n": [(3, b'{"clickId":"c2"}')],
    }.get(text, [])
    for stored in (text, b"\xef\xbb\xbf" + text):
        assert await read(stored) == expected
        assert await read(gzip.compress(stored)) == expected


async def test_a_mark_inside_is_left_to_whoever_reads_the_line() -> None:
    assert await read(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n") == [(1, b"a"), (2, b"\xef\xbb\xbfb")]


async def test_many_lines() -> None:
    text = b"".join(b'{"number":%d}\n' % number for number in range(100_000))
    assert [number for number, _ in await read(text)] == [*range(1, 100_001)]


@pytest.mark.parametrize(
    ("begin", "line", "text"),
    [
        (b'{"a":1}\n{"b', b'":2}\n', b'{"b":2}'),
        (b'[{"a":1},{"b', b'":2},', b'{"b":2}'),
        (b'clickId,url\n1,x\n2,"a\n', b'b"\n', b'{"clickId":"2","url":"a\\nb"}'),
    ],
    ids=["lines", "array", "table"],
)
async def test_a_pipe_that_rests_is_told_from_one_that_ends(begin: bytes, line: bytes, text: bytes) -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb", buffering=0) as stream:
        reader = LineReader(stream, typed=True)
        assert await reader.next(0.01) is None
        os.write(write_end, begin)
        # What has ended is there, though nothing else is.
        assert len((await reader.next()).lines) == 1
        assert await reader.next(0.01) is None
        os.write(write_end, line)
        assert [one.text for one in (await reader.next()).lines] == [text]
        os.close(write_end)
        assert (await reader.next()).last


async def test_errors_of_the_stream_are_raised_after_what_came_before_it() -> None:
    chunks = [b'{"a":1}\n', b'{"b":2}\n']

    class Broken(io.RawIOBase):
        def read(self, _size: int = -1, /) -> bytes:
            if not chunks:
                raise OSError("the disk is gone")
            return chunks.pop(0)

    reader = LineReader(Broken(), typed=True)
    assert len((await reader.next()).lines) + len((await reader.next()).lines) == 2
    with pytest.raises(OSError, match="the disk is gone"):
        await reader.next()


@pytest.mark.parametrize(
    "content", [b"PAR1\x00", gzip.compress(b"PAR1\x00", mtime=0), b"id,name\n1,x\n" * 50_000]
)
async def test_what_can_not_be_read_is_said_once(content: bytes) -> None:
    with pytest.raises(CheckFailed):
        await read(content)


async def test_what_is_cut_off_is_read_as_far_as_it_goes() -> None:
    packed = gzip.compress(b"".join(b'{"number":%d}\n' % number for number in range(200_000)))
    reader = LineReader(io.BytesIO(packed[:-100]), typed=True)
    lines: list[Line] = []

    async def read_all() -> None:
        while True:
            lines.extend((await reader.next()).lines)

    with pytest.raises(CheckFailed, match="cut off"):
        await read_all()
    assert len(lines) > 100_000
