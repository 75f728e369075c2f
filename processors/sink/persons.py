"""Whom a record is about that is no event, by our own hashed ids: what an erasure has to find."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import orjson

from schemas.ids import customer_id
from schemas.portable import whole_characters

_CUSTOMER: Final = re.compile(
    rb'"(?:customerExternalId|externalId|customerId)"\s*:\s*(?:("(?:[^"\\]|\\.){1,1000}")|(-?\d{1,100}))'
)
_WORKSPACE: Final = re.compile(rb'"workspaceId"\s*:\s*"([A-Za-z0-9_-]{1,64})"')
_WORKSPACE_KEY: Final = re.compile(rb"([A-Za-z0-9_-]{1,64}):(.{1,400})", re.DOTALL)
_WORD: Final = re.compile(rb"""[^\s,;:|=&"'(){}\[\]<>]{1,100}""")
_MOST: Final = 100
"""Persons of one dead letter: of thousands in one record it is not to be a row of megabytes."""


def persons_in(key: bytes, value: bytes) -> list[str]:
    """The customers that a record names: by its fields, else by any word of it, and by its key.

    Better one too many than one too few: whoever is erased must not live on in what nobody can read.
    """
    value = whole_characters(value)
    keyed = _WORKSPACE_KEY.fullmatch(key)
    workspaces = {match[1] for match in _WORKSPACE.finditer(value)}
    customers = dict.fromkeys(_few(_named(value)))
    if not customers:
        words = (_readable(match[0]) for match in _WORD.finditer(value[: 1 << 16]))
        customers = dict.fromkeys(_few(words))
    if keyed:
        workspaces.add(keyed[1])
        customers = {_readable(keyed[2]): None, **customers}
    return _few(
        customer_id(workspace.decode(), customer)
        for workspace in sorted(workspaces)
        for customer in list(customers)[:_MOST]
    )


def _few(some: Iterable[str]) -> list[str]:
    """The first that differ; no more of them is even looked for."""
    found: dict[str, None] = {}
    for one in some:
        found[one] = None
        if len(found) == _MOST:
            break
    return list(found)


def _named(value: bytes) -> Iterator[str]:
    for match in _CUSTOMER.finditer(value):
        text, number = match.groups()
        try:
            yield (number.decode() if text is None else str(orjson.loads(text))).strip()
        except ValueError:
            yield _readable(text[1:-1]).strip()


def _readable(value: bytes) -> str:
    return value.decode(errors="replace")
