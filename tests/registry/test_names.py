"""Hosts and pages, as people write them."""

from collections.abc import Callable

import pytest

from processors.registry.names import host_name, host_pattern, link_key, page_url, same_key


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Go.Example.com", "go.example.com"),
        (" go.example.com. ", "go.example.com"),
        ("go.localhost", "go.localhost"),
        ("localhost", "localhost"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_host_is_named_as_browsers_name_it(text: str, name: str) -> None:
    assert host_name(text) == host_pattern(text) == name
    assert host_name(name) == name


def test_a_pattern_is_every_host_below() -> None:
    assert host_pattern("*.Example.com") == "*.example.com"


@pytest.mark.parametrize("url", ["https://example.com", "http://localhost:3000/a?b=c#d"])
def test_a_page_stays_as_it_is(url: str) -> None:
    assert page_url(url) == url


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *((host_name, one) for one in ("", " ", "*", "*.example.com", "a..b", "-a.com", "a_b.com", "a b")),
        *((host_name, one) for one in ("go.example.com:80", "https://go.example.com", "go.example.com/x")),
        *((host_name, one) for one in ("x" * 64, ".".join(["x" * 60] * 5), "\ud800.com", "a\n.com")),
        *((host_pattern, one) for one in ("*", "*.", "*.*.com", "a.*.com", "**.com")),
        *((page_url, one) for one in ("", "example.com", "//example.com", "ftp://example.com", "https://")),
        *(
            (page_url, one)
            for one in ("javascript:alert(1)", "https://a b", "https://a/\r\nX: y", "https://a:x")
        ),
        *((page_url, one) for one in ("https://a/ü", "https://[", "https://a/" + "x" * 32_000)),
    ],
)
def test_what_is_none_is_said(read: Callable[[str], str], text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        read(text)


@pytest.mark.parametrize("key", ["a", "A/b.c_d-e", "näh", "🎉", "👩\u200d💻", "_root", "x" * 190, "日本"])
def test_keys_of_links(key: str) -> None:
    assert link_key(key) == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a",
        "a/",
        " a",
        "a b",
        "a?b",
        "a#b",
        "a%41",
        "a\\b",
        "_a",
        ".",
        "a/../b",
        "x" * 191,
        "a\n",
        "\u202ea",
    ],
)
def test_no_keys_of_links(key: str) -> None:
    with pytest.raises(ValueError, match="is no key of a link"):
        link_key(key)


@pytest.mark.parametrize(
    "keys",
    [
        ("Promo", "PROMO", "promo"),
        ("caf\u00e9", "cafe\u0301", "CAF\u00c9", "CAFE\u0301"),
        ("stra\u00dfe", "STRASSE"),
        ("\u1fb3", "\u1fbc", "\u03b1\u0345", "\u0391\u0399"),
    ],
)
def test_keys_that_people_see_as_one(keys: tuple[str, ...]) -> None:
    assert len({same_key(one) for one in keys}) == 1


def test_keys_that_differ() -> None:
    assert len({same_key(one) for one in ("cafe", "caf\u00e9", "caf\u00e8", "caff\u00e9")}) == 4
