"""Where a visitor goes."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from processors.gateway.clicks.destination import (
    Client,
    address_of,
    names_of,
    with_ours,
    with_query,
)
from processors.gateway.urls import in_header, name_of
from schemas.links import Link

CLICK = "abcDEF0123456789"


@pytest.mark.parametrize(
    ("address", "query", "expected"),
    [
        ("https://a.example", "", "https://a.example"),
        ("https://a.example/?", "", "https://a.example/?"),
        ("https://a.example", "x=1", "https://a.example?x=1"),
        ("https://a.example/p?b=2", "x=1", "https://a.example/p?b=2&x=1"),
        ("https://a.example/p#part", "x=1", "https://a.example/p?x=1#part"),
        ("https://a.example/p?b=2#/route?c=3", "x=1&c=4", "https://a.example/p?b=2&x=1&c=4#/route?c=3"),
        # In place, however either has written the name; all that the visitor has of a name, and once.
        ("https://a.example/?a=1&b=2&c=3", "b=9", "https://a.example/?a=1&b=9&c=3"),
        ("https://a.example/?utm%5Fsource=x&b=2", "utm_source=y", "https://a.example/?utm_source=y&b=2"),
        ("https://a.example/?b=1&c=2&b=3", "b=8&b=9", "https://a.example/?b=8&b=9&c=2"),
        ("https://a.example/?B=1", "b=2", "https://a.example/?B=1&b=2"),
        ("https://a.example/", "tag%5B%5D=1&tag%5B%5D=2", "https://a.example/?tag%5B%5D=1&tag%5B%5D=2"),
        # Nothing of the destination's own is read and written anew.
        (
            "https://a.example/?empty&e=&q=a+b%20c%2B;d|{e}&%zz",
            "x",
            "https://a.example/?empty&e=&q=a+b%20c%2B;d|{e}&%zz&x",
        ),
        ("https://a.example/?sig=CglEVUI%2BDg%3D%3D&u=https://b.example/?x=1", "", None),
        # What is meant for us, and what nobody needs to know.
        (
            "https://a.example/",
            "dub-no-track=1&redir_url=https://evil.example&qr=1&x=1",
            "https://a.example/?x=1",
        ),
        ("https://a.example/", "dub%2Dno%2Dtrack&redir%5Furl=//evil.example", "https://a.example/"),
        ("https://a.example/?qr=1", "qr=2", "https://a.example/?qr=2"),
        ("https://a.example/", "&&x=1&", "https://a.example/?x=1"),
        # No header may contain these.
        ("https://a.example/ü?ö=ä b", "", "https://a.example/%C3%BC?%C3%B6=%C3%A4%20b"),
        ("https://a.example/\r\nX: y", "", "https://a.example/%0D%0AX:%20y"),
        ("https://a.example/", "x=\r\nSet-Cookie: a=b", "https://a.example/?x=%0D%0ASet-Cookie:%20a=b"),
        ("https://a.example/", 'x="<>#y', "https://a.example/?x=%22%3C%3E%23y"),
        ("https://a.example/", "x=\udcff", "https://a.example/?x=%FF"),
    ],
)
def test_the_query_of_a_visitor_goes_along(address: str, query: str, expected: str | None) -> None:
    assert with_query(address, query) == (address if expected is None else expected)


@pytest.mark.parametrize(
    ("address", "via", "click_id", "expected"),
    [
        ("https://a.example/?x=1#y", None, None, "https://a.example/?x=1#y"),
        ("https://a.example", None, CLICK, f"https://a.example?dub_id={CLICK}"),
        ("https://a.example/?x=1#y", "ann", CLICK, f"https://a.example/?x=1&via=ann&dub_id={CLICK}#y"),
        ("https://a.example/?via=bob&x=1&dub_id=z", "ann", None, "https://a.example/?x=1&dub_id=z&via=ann"),
        ("https://a.example/?dub%5Fid=z&x=1", None, CLICK, f"https://a.example/?x=1&dub_id={CLICK}"),
        ("https://a.example/", "ü&b=1#\r\n/x", None, "https://a.example/?via=%C3%BC%26b%3D1%23%0D%0A/x"),
        (
            "https://pay.example/?dub_client_reference_id=1&x=1",
            None,
            CLICK,
            f"https://pay.example/?x=1&client_reference_id=dub_id_{CLICK}",
        ),
        (
            "https://pay.example/?client_reference_id=me&dub_client_reference_id=1",
            "ann",
            CLICK,
            f"https://pay.example/?via=ann&client_reference_id=dub_id_{CLICK}",
        ),
        ("https://pay.example/?dub_client_reference_id=1", None, None, None),
        ("https://a.example/?dub_client_reference_id=0", None, CLICK, None),
    ],
)
def test_ours_is_added_last(
    address: str, via: str | None, click_id: str | None, expected: str | None
) -> None:
    if expected is None:
        expected = address if click_id is None else f"{address}&dub_id={click_id}"
    assert with_ours(address, via=via, click_id=click_id) == expected


LINK = Link(
    id="link_1",
    workspace_id="acme",
    domain="go.acme.example",
    key="x",
    url="https://web.example",
    created_at=0,
    updated_at=0,
    ios="https://ios.example",
    android="https://android.example",
    geo={"DE": "https://de.example"},
)


@pytest.mark.parametrize(
    ("client", "host"),
    [
        (Client(), "web"),
        (Client("Mac OS", "US"), "web"),
        (Client("iOS", "US"), "ios"),
        (Client("iOS", "DE"), "ios"),
        (Client("Android", "DE"), "android"),
        (Client("Windows", "DE"), "de"),
    ],
)
def test_a_link_has_addresses_for_systems_and_countries(client: Client, host: str) -> None:
    assert address_of(LINK, client) == f"https://{host}.example"


OURS = ("via", "dub_id", "redir_url", "dub-no-track", "client_reference_id", "qr")
NAMES = st.sampled_from([*OURS, "a", "b", "%61", "ü", ""])
PIECES = st.one_of(
    st.builds("{}={}".format, NAMES, st.text()), NAMES, st.text(), st.just("dub_client_reference_id=1")
)
QUERIES = st.lists(PIECES, max_size=6).map("&".join)
FROM_NETWORK = QUERIES.map(lambda text: text.encode()) | st.binary(max_size=40)


@dataclass(frozen=True)
class Parts:
    """Of an address. ``query``: its pieces."""

    base: str
    query: list[str]
    fragment: str

    @classmethod
    def of(cls, address: str) -> "Parts":
        rest, _, fragment = address.partition("#")
        base, _, query = rest.partition("?")
        return cls(base, query.split("&") if query else [], fragment)


@given(
    path=st.text().map(lambda text: re.sub("[?#]", "", text)),
    own=QUERIES.map(lambda text: text.replace("#", "")),
    fragment=st.text(),
    visitors=FROM_NETWORK,
    via=st.none() | st.text(min_size=1),
    click_id=st.none() | st.just(CLICK),
)
@example("", "a=1", "", b"a=2&a=\r\nX: y", "k\r\n", CLICK)
def test_whatever_comes_the_address_stays_the_owners(
    path: str, own: str, fragment: str, visitors: bytes, via: str | None, click_id: str | None
) -> None:
    address = "".join((f"https://acme.example/{path}", own and f"?{own}", fragment and f"#{fragment}"))
    query = visitors.decode("utf-8", "surrogateescape")
    location = with_ours(with_query(address, query), via=via, click_id=click_id)

    assert re.fullmatch(r"[\x21-\x7e]+", location)
    assert urlsplit(location).netloc == "acme.example"
    before, after = Parts.of(in_header(address)), Parts.of(location)
    assert (after.base, after.fragment) == (before.base, before.fragment)
    added = [name for name, given in (("via", via), ("dub_id", click_id)) if given]
    last = [name_of(one) for one in after.query[len(after.query) - len(added) :]]
    assert [one.replace("client_reference_id", "dub_id") for one in last] == added
    # Every piece of the owner's is there, to the byte, unless somebody has overwritten it.
    overwritten = names_of(in_header(query)) | set(last) | {"dub_client_reference_id"}
    kept = [one for one in before.query if name_of(one) not in overwritten and one]
    left = iter(after.query)
    assert all(one in left for one in kept), "in their order"


@given(st.text(), QUERIES)
def test_a_visitor_is_read_as_he_wrote(value: str, own: str) -> None:
    """What is encoded for the header means what was meant."""
    meant = re.sub("[&+%]", "", value)
    location = with_query("https://a.example/?" + own.replace("#", ""), f"q={meant}")
    assert ("q", meant) in parse_qsl(urlsplit(location).query, keep_blank_values=True)
