"""Both registries, and what a change of them is."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from processors.errors import CheckFailed
from processors.registry import contents
from processors.registry.contents import Contents
from processors.registry.links import LinkContents
from schemas.links import Link
from schemas.registry import KeyUse
from schemas.views import WorkspaceViews

T = TypeVar("T")
Record = contents.Record | Link


@dataclass(frozen=True)
class Made(Generic[T]):
    """What a change comes to: its ``result``, for whoever asked for it, the records to ``put``, and the links
    to ``delete``."""

    result: T
    put: Sequence[Record] = ()
    delete: Sequence[Link] = ()


@dataclass(frozen=True)
class Registries:
    """All that they hold."""

    workspaces: Contents
    links: LinkContents

    def draft(self) -> "Registries":
        """The same, to be changed: these here stay as they are."""
        return Registries(self.workspaces.over(), self.links.over())

    def apply(self, made: Made[Any]) -> None:
        """What was made is there from now on."""
        for record in made.put:
            if isinstance(record, Link):
                self.links.put(record)
            else:
                self.workspaces.put(record)
        for link in made.delete:
            self.links.delete(link.id)

    def holds(self, record: Record) -> bool:
        """Exactly this one."""
        if isinstance(record, Link):
            return self.links.get(record.id) == record
        if isinstance(record, KeyUse):
            return self.workspaces.uses(record.workspace_id) == record
        if isinstance(record, WorkspaceViews):
            return self.workspaces.views(record.workspace_id) == record
        return self.workspaces.workspace(record.workspace_id) == record


Change = Callable[[Registries], Made[T]]
"""A function of what the registries hold: what is to be put and deleted, or it raises what is in its way.

It may be made again when nobody knows whether it was, and then finds what it made the time before: so it
draws ids before it is first called. What it is given it leaves as it is.
"""


def each(
    changes: Sequence[Change[T]], refusals: type[Exception] | tuple[type[Exception], ...] = CheckFailed
) -> Change[list[T | Exception]]:
    """One after the other, all of them in one change; of those that raise one of the ``refusals`` the error
    is the result."""

    def change(registries: Registries) -> Made[list[T | Exception]]:
        draft = registries.draft()
        results: list[T | Exception] = []
        done: list[Made[T]] = []
        for one in changes:
            try:
                made = one(draft)
            except refusals as error:
                results.append(error)
            else:
                draft.apply(made)
                done.append(made)
                results.append(made.result)
        put, deleted = together(done)
        return Made(results, put, deleted)

    return change


def together(done: Iterable[Made[Any]]) -> tuple[list[Record], list[Link]]:
    """What to put and to delete after all of these, one after the other: of each record the last word."""
    put: dict[tuple[type, str], Record] = {}
    deleted: dict[tuple[type, str], Link] = {}
    for made in done:
        for record in made.put:
            name = type(record), record.record_key
            deleted.pop(name, None)
            put[name] = record
        for link in made.delete:
            name = Link, link.id
            put.pop(name, None)
            deleted[name] = link
    return list(put.values()), list(deleted.values())
