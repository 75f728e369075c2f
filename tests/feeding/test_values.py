"""JSON over any number of lines, in any chunks."""

import json
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.feeding.lines import Line
from processors.feeding.values import Values


def read(document: bytes, size: int = 1 << 20, limit: int = 1000) -> list[Line]:
    values = Values(limit)
    chunks = [document[start : start + size] for start in range(0, len(document), size)]
    return [line for chunk in (*chunks, b"") for line in values.lines(chunk)]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize(
    ("document", "lines"),
    [
        (b"", []),
        (b"[]", []),
        (b" \n[ \n]\n", []),
        (b'[{"a":1},{"b":[1,{}]}]', [(1, b'{"a":1}', 1), (1, b'{"b":[1,{}]}', 2)]),
        (b'\n[\n {"a":\n  1},\n\n {}\n]\n', [(3, b'{"a":\n  1}', 1), (6, b"{}", 2)]),
        (b"[1,23,null]", [(1, b"1", 1), (1, b"23", 2), (1, b"null", 3)]),
        (b'[[1],"]",[]]', [(1, b"[1]", 1), (1, b'"]"', 2), (1, b"[]", 3)]),
        # Arrays that follow each other, and values without one.
        (b"[1]\n[2]", [(1, b"1", 1), (2, b"2", 1)]),
        (b'{\n"a":1\n}\n{\n}\n', [(1, b'{\n"a":1\n}', None), (4, b"{\n}", None)]),
        ('["ü€😀"]'.encode(), [(1, '"ü€😀"'.encode(), 1)]),
        # Not for this one to judge.
        (b'["\xff",NaN]', [(1, b'"\xff"', 1), (1, b"NaN", 2)]),
        (b"[" + b"9" * 900 + b"]", [(1, b"9" * 900, 1)]),
    ],
)
def test_values(document: bytes, lines: list[tuple[int, bytes, int | None]], size: int) -> None:
    assert [tuple(line[:3]) for line in read(document, size)] == lines


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize(
    ("document", "good", "place", "detail"),
    [
        (
            b'[{"a":1},\n{"b":',
            1,
            "line 2, element 2",
            "Expecting value (line 2); what comes after it is not read",
        ),
        (b'[{"a":1},\n', 1, "line 2, element 2", "the array does not end: is the file cut off?"),
        (b'[{"a":1}\n{"b":2}]', 1, "line 2, element 2", "a comma or ] is expected after an element"),
        (b"[1,,2]", 1, "line 1, element 2", "Expecting value"),
        (b"[1] nonsense", 1, "line 1", "Expecting value"),
        (b'[\n{\n"a":1\n"b":2}]', 0, "line 2, element 1", "Expecting ',' delimiter (line 4)"),
    ],
)
def test_what_is_no_json_ends_it(document: bytes, good: int, place: str, detail: str, size: int) -> None:
    *before, last = read(document, size)
    assert len(before) == good
    assert all(line.refused is None for line in before)
    assert last.place == place
    assert last.refused is not None
    assert detail in last.refused.detail


def test_what_is_nested_too_deeply_ends_it() -> None:
    (line,) = read(b"[" * 200_000, limit=10)
    assert "nested too deeply" in str(line.refused)


def test_what_is_no_json_is_known_before_the_end() -> None:
    values = Values(1000)
    chunk = b'[{"a" 1},' + b'{"b":2},' * 1000
    (line,) = values.lines(chunk)
    assert values.ended
    assert "Expecting ':' delimiter" in str(line.refused)


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(documents, max_size=5), st.integers(1, 30), st.sampled_from([None, 1]), st.booleans())
def test_any_array_in_any_chunks(elements: list[object], size: int, indent: int | None, ascii_: bool) -> None:
    document = json.dumps(elements, indent=indent, ensure_ascii=ascii_).encode("utf-8", "surrogatepass")
    lines = read(document, size)
    assert [json.loads(line.text) for line in lines] == elements
    assert [line.element for line in lines] == [*range(1, len(elements) + 1)]


def test_memory_does_not_grow_with_the_array() -> None:
    element = b'{"type":"click","workspaceId":"acme","clickId":"c1","url":"%s"},\n' % (b"x" * 900)

    def chunks() -> Iterator[bytes]:
        yield b"["
        for _ in range(300):
            yield element * 20

    values = Values(10_000)
    tracemalloc.start()
    try:
        count = sum(1 for chunk in chunks() for _ in values.lines(chunk))
        assert count == 6_000
        assert tracemalloc.get_traced_memory()[1] < 20 * 20 * len(element)
    finally:
        tracemalloc.stop()
