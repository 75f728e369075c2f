"""Lines of a stream: numbered and bounded."""

import pytest

from processors.feeding.lines import Line, Splitter


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
        ([b" a \n"], [(1, b" a ")]),
    ],
)
def test_lines(chunks: list[bytes], lines: list[tuple[int, bytes]]) -> None:
    assert split(*chunks) == lines


def test_of_a_line_without_an_end_little_is_kept() -> None:
    splitter = Splitter(10)
    for _ in range(100):
        assert list(splitter.lines(b"x" * 1000)) == []
    ((number, text, *_),) = splitter.lines(b"y\nz")
    assert number == 1
    assert 10 < len(text) <= 12
    assert list(splitter.lines(b"")) == [Line(2, b"z")]


def test_where_people_look_for_it() -> None:
    assert Line(7, b"").place == "line 7"
    assert Line(7, b"", 3).place == "line 7, element 3"
