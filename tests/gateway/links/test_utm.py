"""UTM parameters: the same in the fields of a link and in its destination."""

from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.gateway.links.utm import UTM, WRITTEN, carried_over, utm_of, with_parameters

_text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
_piece = st.one_of(
    st.sampled_from(
        ["a=1", "a=%20+%zz", "b", "=", "utm_source", "utm_source=", "utm_medium=x&utm_medium=y", ""]
    ),
    st.tuples(st.sampled_from(WRITTEN), _text).map(lambda pair: f"{pair[0]}={quote_plus(pair[1])}"),
    st.tuples(_text, _text).map(lambda pair: f"{quote(pair[0], safe='')}={quote(pair[1], safe='/?')}"),
)
_urls = st.builds(
    "https://example.com{}{}{}".format,
    st.sampled_from(["", "/", "/path/a%2Fb"]),
    st.lists(_piece, max_size=5).map(lambda pieces: "?" + "&".join(pieces) if pieces else ""),
    st.sampled_from(["", "#", "#part?utm_source=not"]),
)
_wanted = st.dictionaries(st.sampled_from(WRITTEN), st.none() | _text, max_size=4)


def _others(url: str) -> list[str]:
    """The pieces of the query that are none of ours, as they are written; empty ones say nothing."""
    query = url.partition("#")[0].partition("?")[2]
    return [piece for piece in query.split("&") if piece and piece.partition("=")[0] not in WRITTEN]


@given(_urls, _wanted)
def test_what_was_written_is_read_and_nothing_else_is_touched(
    url: str, wanted: dict[str, str | None]
) -> None:
    written = with_parameters(url, wanted)
    found = utm_of(written)
    assert {name: found[name] for name in wanted if name in UTM} == {
        name: text or None for name, text in wanted.items() if name in UTM
    }
    assert {name: found[name] for name in UTM if name not in wanted} == {
        name: text for name, text in utm_of(url).items() if name not in wanted
    }
    assert _others(written) == _others(url)
    assert written.partition("#")[1:] == url.partition("#")[1:]
    assert with_parameters(written, wanted) == written


@given(_urls)
def test_what_is_there_already_is_left_as_it_is(url: str) -> None:
    once = {name: text for name, text in utm_of(url).items() if text and url.count(name) == 1}
    assert with_parameters(url, once) == url


@pytest.mark.parametrize(
    ("url", "wanted", "written"),
    [
        (
            "https://example.com",
            {"utm_source": "a b", "utm_medium": "e+f"},
            "https://example.com/?utm_source=a+b&utm_medium=e%2Bf",
        ),
        ("https://example.com/?x=%7e#top", {"ref": "r"}, "https://example.com/?x=%7e&ref=r#top"),
        (
            "https://example.com/?utm_source=a&x&utm_medium=b",
            {"utm_source": "n"},
            "https://example.com/?utm_source=n&x&utm_medium=b",
        ),
        ("https://example.com/?utm_source=a", {"utm_source": None}, "https://example.com/"),
        (
            "https://example.com/?utm_source=a&utm_source=b",
            {"utm_source": "a"},
            "https://example.com/?utm_source=a",
        ),
        ("https://example.com/?utm%5Fsource=a", {"utm_source": ""}, "https://example.com/"),
    ],
)
def test_how_it_is_written(url: str, wanted: dict[str, str | None], written: str) -> None:
    assert with_parameters(url, wanted) == written


@pytest.mark.parametrize(
    ("url", "old", "result"),
    [
        (
            "https://new.example/p",
            "https://old.example/?utm_campaign=c&x=1&utm_source=s",
            "https://new.example/p?utm_source=s&utm_campaign=c",
        ),
        (
            "https://new.example/?utm_source=n",
            "https://old.example/?utm_source=s",
            "https://new.example/?utm_source=n",
        ),
        (
            "https://new.example/?utm_source=",
            "https://old.example/?utm_source=s",
            "https://new.example/?utm_source=",
        ),
        ("https://new.example", "https://old.example/?ref=r", "https://new.example"),
    ],
)
def test_parameters_go_along_to_a_new_destination(url: str, old: str, result: str) -> None:
    assert carried_over(url, old) == result
