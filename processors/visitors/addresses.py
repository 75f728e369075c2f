"""Whose address it is: the peer's, or the one that proxies say they had before them."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
_MOST_REMEMBERED: Final = 4_096
_MOST_HOPS: Final = 32
"""More proxies are behind each other nowhere; the rest of a longer list was made up."""


def address(text: str) -> Address | None:
    """As proxies write them: in brackets, with a port, with a zone. An IPv4 address that is written as one of
    IPv6 is itself. None: it is none."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def network(text: str) -> IPv4Network | IPv6Network:
    """An address, or ``10.0.0.0/8``. Raises ``ValueError``."""
    return ip_network(text.strip(), strict=False)


class Addresses:
    """``trusted``: addresses and networks of proxies, each of which adds to ``X-Forwarded-For`` whom it has
    before it. Raises ``ValueError`` for what is neither.
    """

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._networks = tuple(map(network, trusted))
        self._read = lru_cache(maxsize=_MOST_REMEMBERED)(self._look_at)

    def is_trusted(self, peer: str | None) -> bool:
        """May this peer speak for others?"""
        return bool(self._networks) and peer is not None and self._read(peer)[1]

    def client(self, peer: str | None, forwarded_for: str | None) -> Address | None:
        """The nearest one that is no trusted proxy. What it says of those before it is worth nothing.

        ``forwarded_for``: all such headers, with commas between. None: the peer has no address (a socket in
        the file system).
        """
        if peer is None:
            return None
        nearest, trusted = self._read(peer)
        if not trusted or not forwarded_for:
            return nearest
        for text in _nearest_first(forwarded_for):
            found, trusted = self._read(text)
            if found is None:
                break
            nearest = found
            if not trusted:
                break
        return nearest

    def _look_at(self, text: str) -> tuple[Address | None, bool]:
        found = address(text)
        return found, found is not None and any(found in one for one in self._networks)


def _nearest_first(forwarded_for: str) -> Iterator[str]:
    return reversed(forwarded_for.rsplit(",", _MOST_HOPS)[-_MOST_HOPS:])
