"""What callers ask for when they list links."""

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Annotated, Final, Literal, Protocol

from msgspec import Meta, Struct

from processors.gateway.links.bodies import Id, Key, Label, Names
from processors.gateway.links.reading import domain_name
from processors.gateway.paging import PAGE, Cursor, Page, PageSize, skipped
from schemas.links import Link

_AT_ONCE: Final = 500
"""Links: looking at them takes a millisecond or two."""

Search = Annotated[str, Meta(max_length=500)]


class LinkFilter(Struct, frozen=True, kw_only=True, rename="camel"):
    """Which links. ``search``: in the short link and the destination, without case.

    No link has a tag or is in a folder, so that these find nothing.
    """

    domain: Key | None = None
    search: Search | None = None
    tenant_id: Id | None = None
    user_id: Id | None = None
    show_archived: bool = False
    tag_id: Id | None = None
    tag_ids: Names = []
    tag_names: Names = []
    folder_id: Id | None = None

    def among(self, links: Iterable[Link]) -> Iterator[Link]:
        """Those that are asked for, in the same order."""
        if self.tag_id or self.tag_ids or self.tag_names or self.folder_id not in (None, "", "unsorted"):
            return iter(())
        for is_asked_for in self._conditions():
            links = filter(is_asked_for, links)
        return iter(links)

    def _conditions(self) -> Iterator[Callable[[Link], bool]]:
        if not self.show_archived:
            yield lambda link: not link.archived
        if domain := domain_name(self.domain):
            yield lambda link: link.domain == domain
        if tenant_id := self.tenant_id:
            yield lambda link: link.tenant_id == tenant_id
        if user_id := self.user_id:
            yield lambda link: link.user_id == user_id
        if search := (self.search or "").lower():
            yield lambda link: search in link.url.lower() or search in link.short_link.lower()


class LinksQuery(LinkFilter, frozen=True, kw_only=True, rename="camel"):
    """A page of links, newest first."""

    page: Page | None = None
    page_size: PageSize = PAGE
    starting_after: Cursor | None = None
    ending_before: Cursor | None = None


class CountQuery(LinkFilter, frozen=True, kw_only=True, rename="camel"):
    """How many links, or how many of each."""

    group_by: Literal["domain", "userId", "tagId", "folderId"] | None = None


class InfoQuery(Struct, frozen=True, kw_only=True, rename="camel"):
    """One link, by one of its names."""

    domain: Key | None = None
    key: Key | None = None
    link_id: Label | None = None
    external_id: Label | None = None


class LinkIdsQuery(Struct, frozen=True, kw_only=True, rename="camel"):
    """Ids, or external ones after ``ext_``."""

    link_ids: Names = []


class Links(Protocol):
    """Of a workspace, newest first; by their ids, which sort by age."""

    def __iter__(self) -> Iterator[Link]:
        """All of them."""

    def older_than(self, id_: str) -> Iterator[Link]:
        """The newest of them first."""

    def newer_than(self, id_: str) -> Iterator[Link]:
        """The oldest of them first."""


async def page_of(links: Callable[[], Links], wanted: LinksQuery) -> list[Link]:
    """What is asked for, newest first. Whose id is a cursor need not be among the links asked for."""
    if wanted.starting_after:
        return await chosen(links, wanted, wanted.page_size, wanted.starting_after)
    if wanted.ending_before:
        return (await chosen(links, wanted, wanted.page_size, wanted.ending_before, newer=True))[::-1]
    first = skipped(wanted)
    return (await chosen(links, wanted, first + wanted.page_size))[first:]


async def chosen(
    links: Callable[[], Links],
    wanted: LinkFilter,
    most: float = math.inf,
    after: str | None = None,
    *,
    newer: bool = False,
) -> list[Link]:
    """Those that are asked for, from an id on, or from the newest.

    A workspace may have very many: after some of them whatever else is to be done has its turn.
    """
    found: list[Link] = []
    while True:
        some = [*islice(_onwards(links(), after, newer), _AT_ONCE)]
        found += wanted.among(some)
        if len(found) >= most:
            return found[: int(most)]
        if len(some) < _AT_ONCE:
            return found
        after = some[-1].id
        await asyncio.sleep(0)


def _onwards(links: Links, after: str | None, newer: bool) -> Iterator[Link]:
    if after is None:
        return iter(links)
    return links.newer_than(after) if newer else links.older_than(after)
