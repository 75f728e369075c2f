"""Whom a command is about."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from processors.clock import epoch_ms
from schemas.decoding import Refused, decode_erasure
from schemas.ids import customer_id
from schemas.topics import customer_key


@dataclass(frozen=True)
class Person:
    """A customer of a workspace."""

    workspace_id: str
    external_id: str

    @property
    def key(self) -> bytes:
        """Of everything that belongs to the customer."""
        return customer_key(self.workspace_id, self.external_id)

    @property
    def id(self) -> str:
        """Our own id, which says nothing of the person."""
        return customer_id(self.workspace_id, self.external_id)

    def erasure(self) -> bytes:
        """The event that asks to forget this person."""
        event = {"workspaceId": self.workspace_id, "customerExternalId": self.external_id}
        return orjson.dumps(event)

    def __str__(self) -> str:
        return f"{self.external_id!r} of workspace {self.workspace_id!r}"


def person(workspace: str, customer: str) -> Person:
    """As events name it. Raises ``ValueError`` for what no event could name."""
    given = Person(workspace, customer)
    try:
        now_ms = epoch_ms()
        event, _ = decode_erasure(given.erasure(), now_ms, now_ms)
    except Refused as refused:
        raise ValueError(refused.detail) from None
    except (TypeError, UnicodeError):
        raise ValueError("not UTF-8") from None
    return Person(event.workspace_id, event.customer)


def who_else(similar: Sequence[str]) -> str:
    """What may be wrong with an id of which nothing is known. ``similar``: ids that differ in case."""
    if similar:
        return f"Ids that differ in case are different customers: {', '.join(similar)}?"
    return "Is that its id, as events give it?"
