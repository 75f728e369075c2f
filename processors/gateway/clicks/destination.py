"""Where a visitor goes: the address of a link, with his query and what we add. Pure text, no look-ups.

What a link's owner wrote arrives to the byte: addresses have signatures, templates and parameters of every
make, and any of them breaks when it is read and written anew. So a query is taken apart at ``&`` alone, and
only what no header may contain is encoded.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from processors.gateway.urls import encoded, in_header, name_of, pieces_of
from schemas.links import Link

NO_TRACK: Final = "dub-no-track"
REDIRECT_TO: Final = "redir_url"
"""Some services send visitors wherever this says. It would let anybody borrow a short domain's good name."""
SCANNED: Final = "qr=1"
"""What a QR code has, and nobody else needs to know."""
CLICK_ID: Final = "dub_id"
VIA: Final = "via"
WANTS_REFERENCE: Final = "dub_client_reference_id=1"
"""In a destination: what takes payments there knows ``client_reference_id`` only."""
REFERENCE: Final = "client_reference_id"

_OURS: Final = (NO_TRACK, REDIRECT_TO)
_NOT_IN_QUERIES: Final = re.compile(r'[^\x21-\x7e]|["#<>]')


class Client(NamedTuple):
    """What chooses among the addresses of a link."""

    os: str | None = None
    country: str | None = None


def address_of(link: Link, client: Client) -> str:
    """The one of a link's addresses that is for this client, as it was written."""
    if link.ios and client.os == "iOS":
        return link.ios
    if link.android and client.os == "Android":
        return link.android
    if link.geo and client.country and (found := link.geo.get(client.country)):
        return found
    return link.url


def with_query(address: str, visitors: str) -> str:
    """``address`` with the visitor's raw query at its end; in place where it has a parameter of that name.

    Other things of it stay as they are, but for characters that no header may contain.
    """
    address = in_header(address)
    pieces = [one for one in _pieces(visitors) if one != SCANNED and name_of(one) not in _OURS]
    if not pieces:
        return address
    given: dict[str, list[str]] = {}
    for piece in pieces:
        given.setdefault(name_of(piece), []).append(piece)
    apart = pieces_of(address)
    merged = list(_overwritten(apart.query, given))
    return apart.with_query([*merged, *(one for some in given.values() for one in some)])


def with_ours(address: str, *, via: str | None, click_id: str | None) -> str:
    """``address`` with our parameters after all others, and instead of any that are called so."""
    ours: dict[str, str] = {}
    if via is not None:
        ours[VIA] = quote(via, safe="/", errors="replace")
    apart = pieces_of(address)
    query = apart.query
    if click_id is not None:
        if WANTS_REFERENCE in query:
            query = [one for one in query if one != WANTS_REFERENCE]
            ours[REFERENCE] = f"{CLICK_ID}_{click_id}"
        else:
            ours[CLICK_ID] = click_id
    if not ours:
        return address
    kept = [one for one in query if name_of(one) not in ours]
    return apart.with_query([*kept, *(f"{name}={value}" for name, value in ours.items())])


def names_of(visitors: str) -> set[str]:
    """Of all parameters in a raw query."""
    return {name_of(one) for one in visitors.split("&") if one}


def _pieces(visitors: str) -> Iterator[str]:
    return (one for one in encoded(_NOT_IN_QUERIES, visitors).split("&") if one)


def _overwritten(query: Sequence[str], given: dict[str, list[str]]) -> Iterator[str]:
    """What is used up of ``given`` is taken out of it."""
    names = set(given)
    for piece in query:
        name = name_of(piece)
        if name in names:
            yield from given.pop(name, ())
        else:
            yield piece
