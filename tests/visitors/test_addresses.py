"""Whose address it is."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.visitors.addresses import Addresses, address

PROXIES = Addresses(["10.0.0.0/8", "fd00::/8", "192.0.2.7"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("198.51.100.1", "198.51.100.1"),
        (" 198.51.100.1 ", "198.51.100.1"),
        ("198.51.100.1:4711", "198.51.100.1"),
        ('"[2001:db8::1]:4711"', "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("::ffff:c633:6401", "198.51.100.1"),
        *(
            (garbage, None)
            for garbage in ("", "unknown", "_hidden", "1.2.3", "1.2.3.4.5", "999.1.1.1", "0x7f000001")
        ),
        *((garbage, None) for garbage in ("127.1", "[", "[]", ":", "a:b:c", "1.2.3.4\r\nX: y", "٣.٣.٣.٣")),
    ],
)
def test_an_address_as_proxies_write_it(text: str, expected: str | None) -> None:
    assert address(text) == (expected and ip_address(expected))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        # A stranger speaks for himself alone.
        ("198.51.100.1", None, "198.51.100.1"),
        ("198.51.100.1", "203.0.113.9", "198.51.100.1"),
        ("198.51.100.1", "10.0.0.1", "198.51.100.1"),
        # A proxy has added whom it had before it; what stood there already was made up by whoever it was.
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "10.9.9.9, 203.0.113.9, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1,10.0.0.2 , 192.0.2.7", "198.51.100.1"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        # All of it is ours: whoever is furthest away.
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        # Beyond garbage nobody can be believed.
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "203.0.113.9,", "10.0.0.1"),
        ("10.0.0.1", ", ".join(["203.0.113.9"] + ["10.0.0.2"] * 40), "10.0.0.2"),
        # A socket in the file system.
        (None, "198.51.100.1", None),
        ("nonsense", "198.51.100.1", None),
    ],
)
def test_only_trusted_proxies_speak_for_others(
    peer: str | None, forwarded_for: str | None, client: str | None
) -> None:
    assert PROXIES.client(peer, forwarded_for) == (client and ip_address(client))


@given(st.ip_addresses().map(str), st.text())
def test_without_proxies_nobody_is_believed(peer: str, forwarded_for: str) -> None:
    assert Addresses().client(peer, forwarded_for) == address(peer)


@given(st.text(), st.ip_addresses().filter(lambda one: not PROXIES.is_trusted(str(one))))
def test_what_a_client_makes_up_stands_before_what_the_proxy_adds(made_up: str, client: object) -> None:
    assert PROXIES.client("192.0.2.7", f"{made_up}, {client}, 10.0.0.2") == address(str(client))


def test_trusted_is_who_was_named() -> None:
    assert [PROXIES.is_trusted(one) for one in ("10.1.2.3", "192.0.2.7", "192.0.2.8", "x", None)] == [
        *(True, True, False, False, False)
    ]
    assert not Addresses().is_trusted("10.1.2.3")


@pytest.mark.parametrize("text", ["", "proxy.example", "10.0.0.0/33", "10.0.0.0/8/8"])
def test_what_is_no_network_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|network|[Nn]etmask|one '/'"):
        Addresses([text])
