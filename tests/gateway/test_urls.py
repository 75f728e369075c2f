"""URLs as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.gateway.urls import Pieces, in_header, name_of, pieces_of


@given(st.text(st.sampled_from("?#&=/:a"), max_size=12))
def test_what_is_taken_apart_is_put_together_again(url: str) -> None:
    apart = pieces_of(url)
    head, hash_mark, fragment = url.partition("#")
    # A query of nothing is none.
    head = head[:-1] if head.find("?") == len(head) - 1 >= 0 else head
    assert apart.with_query(apart.query) == head + hash_mark + fragment


@pytest.mark.parametrize(
    ("url", "pieces"),
    [
        ("https://a.example", Pieces("https://a.example", [], "")),
        ("https://a.example/?x&y=1&&z=?#f?g", Pieces("https://a.example/", ["x", "y=1", "", "z=?"], "#f?g")),
        ("https://a.example?#", Pieces("https://a.example", [], "#")),
    ],
)
def test_pieces(url: str, pieces: Pieces) -> None:
    assert pieces_of(url) == pieces


@pytest.mark.parametrize(
    ("parameter", "name"), [("a=1", "a"), ("a", "a"), ("a%5Bb+c=1", "a[b c"), ("=1", "")]
)
def test_names(parameter: str, name: str) -> None:
    assert name_of(parameter) == name


def test_what_no_header_may_contain_is_encoded() -> None:
    assert (
        in_header("https://go.example/ä?q=%20 &#\r\n\udcff")
        == "https://go.example/%C3%A4?q=%20%20&#%0D%0A%FF"
    )
