"""What callers ask for when they list links."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from processors.gateway.links.bodies import Id, Key, Label, Names
from processors.gateway.paging import PAGE, Cursor, Page, PageSize, skipped
from schemas.links import Link

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
        return filter(self._includes, links)

    def _includes(self, link: Link) -> bool:
        return (
            (self.show_archived or not link.archived)
            and self.domain in (None, "", link.domain)
            and self.tenant_id in (None, "", link.tenant_id)
            and self.user_id in (None, "", link.user_id)
            and (not self.search or self._finds(self.search.lower(), link))
        )

    def _finds(self, text: str, link: Link) -> bool:
        return text in link.short_link.lower() or text in link.url.lower()


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


def page_of(links: Links, wanted: LinksQuery) -> list[Link]:
    """What is asked for, newest first. Whose id is a cursor need not be among the links asked for."""
    if wanted.starting_after:
        return list(islice(wanted.among(links.older_than(wanted.starting_after)), wanted.page_size))
    if wanted.ending_before:
        return list(islice(wanted.among(links.newer_than(wanted.ending_before)), wanted.page_size))[::-1]
    first = skipped(wanted)
    return list(islice(wanted.among(links), first, first + wanted.page_size))
