"""Documents that are portable are known as such without a look at each of their members."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import portable as module
from schemas.portable import portable

_NAMES = st.sampled_from(["a", "b", "a.b", ":", '":', "\\", '\\"', 'x\\":', ""])
_VALUES: st.SearchStrategy[str] = st.recursive(
    st.one_of(_NAMES, st.integers(-3, 3), st.booleans(), st.none()).map(json.dumps),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{' , '.join(items)}]")
        | st.lists(st.tuples(_NAMES, inner), max_size=3).map(
            lambda members: "{" + ",".join(f"{json.dumps(name)}\n : {value}" for name, value in members) + "}"
        )
    ),
)


@given(_VALUES)
def test_what_is_taken_for_portable_is(text: str) -> None:
    document = text.encode()
    if module._is_plain(document):
        reading = module._Reading()
        reading.drop_hidden(reading.parse(document), "", set())
        assert not reading.changed


@pytest.mark.parametrize(
    "document",
    [
        b'{"url": "https://acme.example/?a=1:2", "timestamp":"2026-11-01T10:00:00Z"}',
        rb'{"text" : "\"name\": \\", "items": [{"a:b": ":"}, "x:"]}',
    ],
)
def test_a_colon_in_a_text_is_no_second_name(document: bytes) -> None:
    assert module._is_plain(document)
    assert portable(document) is document
    twice = document.replace(b"}", b', "a": 1, "a": 2}', 1)
    assert not module._is_plain(twice)
