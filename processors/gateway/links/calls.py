"""The calls that are about one link, or list links."""

from collections import Counter
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType, field

from processors.gateway.answers import ApiError, Code
from processors.gateway.idempotency import idempotency_of
from processors.gateway.links.bodies import LinkUpdate, NewLink
from processors.gateway.links.counters import LinkCounters
from processors.gateway.links.document import LinkDocument, document
from processors.gateway.links.making import changed, drawing, new_link
from processors.gateway.links.queries import CountQuery, InfoQuery, LinksQuery, chosen, page_of
from processors.gateway.links.reading import domain_name
from processors.gateway.links.telling import telling, told
from processors.gateway.paging import check_paging, cursor_of, no_such_cursor
from processors.gateway.routing import Call
from processors.registry.ids import NewIds
from processors.registry.link_changes import NoSuchLink, create, delete, update, upsert
from processors.registry.links import BY_EXTERNAL_ID
from processors.registry.looking import look_up
from processors.registry.store import RegistryStore
from schemas.links import ROOT, Link

_FIELDS: Final = {"domain": "domain", "userId": "user_id", "folderId": "folder_id"}


class DeletedLink(Struct, frozen=True):
    """The id of what is gone."""

    id: str


class LinkGroup(Struct, frozen=True, kw_only=True, rename="camel"):
    """So many links have this domain, are of this user, or are in no folder."""

    count: int = field(name="_count")
    domain: str | UnsetType = UNSET
    user_id: str | UnsetType | None = UNSET
    folder_id: UnsetType | None = UNSET


class Shown:
    """Links as documents, with their numbers. ``public_url``: where this API is reached."""

    def __init__(self, counters: LinkCounters, public_url: str) -> None:
        self._counters, self._public_url = counters, public_url.rstrip("/")

    def new(self, link: Link) -> LinkDocument:
        """One that nothing can have come of yet."""
        return document(link, self._public_url)

    async def one(self, link: Link) -> LinkDocument:
        """With its numbers."""
        return (await self.all([link]))[0]

    async def all(self, links: list[Link]) -> list[LinkDocument]:
        """Links of one workspace."""
        if not links:
            return []
        numbers = await self._counters.of(links[0].workspace_id, [one.id for one in links])
        return [document(one, self._public_url, numbers[one.id]) for one in links]


class LinkCalls:
    """Handlers."""

    def __init__(self, store: RegistryStore, shown: Shown, ids: NewIds) -> None:
        self._store, self._shown, self._ids = store, shown, ids

    async def create(self, call: Call) -> LinkDocument:
        """Once only for each ``Idempotency-Key``."""
        body: NewLink = call.body
        wanted = self._wanted(call, idempotency_of(call, call.of.workspace_id))
        with telling():
            return await self._made(wanted, await self._store.write(create(wanted, drawing(body))))

    async def upsert(self, call: Call) -> LinkDocument:
        """A link that leads there already is changed; else one is made."""
        body: NewLink = call.body
        wanted = self._wanted(call)
        change = upsert(wanted, lambda old: changed(old, body, call.now_ms), drawing(body))
        with telling():
            return await self._made(wanted, await self._store.write(change))

    async def update(self, call: Call) -> LinkDocument:
        """What is sent is changed, the rest stays."""
        body: LinkUpdate = call.body
        name = call.path["id"]
        change = update(call.of.workspace_id, name, lambda old: changed(old, body, call.now_ms))
        with telling():
            return await self._shown.one(await self._store.write(change))

    async def delete(self, call: Call) -> DeletedLink:
        """Its address is free from then on."""
        with telling():
            gone = await self._store.write(delete(call.of.workspace_id, call.path["id"]))
        return DeletedLink(gone.id)

    async def get(self, call: Call) -> LinkDocument:
        """By id, or by external id after ``ext_``."""
        return await self._shown.one(await self._named(call.of.workspace_id, call.path["id"]))

    async def info(self, call: Call) -> LinkDocument:
        """By one of its names."""
        query: InfoQuery = call.query
        workspace_id = call.of.workspace_id
        if query.link_id:
            link = await self._named(workspace_id, query.link_id)
        elif query.external_id:
            external_id = query.external_id.removeprefix(BY_EXTERNAL_ID)
            link = await self._named(workspace_id, BY_EXTERNAL_ID + external_id)
        elif query.domain:
            link = await self._at(workspace_id, query.domain, query.key or "")
        else:
            raise ApiError(
                Code.BAD_REQUEST,
                "A link is found by domain and key, by linkId, or by externalId: none of them was sent.",
            )
        return await self._shown.one(link)

    async def page(self, call: Call) -> list[LinkDocument]:
        """A page of them."""
        query: LinksQuery = call.query
        check_paging(query)
        workspace_id = call.of.workspace_id
        if cursor := cursor_of(query):
            found = await self._find(workspace_id, cursor)
            if found is None or found.id != cursor:  # ids alone sort by age
                raise no_such_cursor()
        return await self._shown.all(await page_of(lambda: self._store.links.of(workspace_id), query))

    async def count(self, call: Call) -> int | list[LinkGroup]:
        """All in one number, or by one of their fields, the most first."""
        query: CountQuery = call.query
        workspace_id = call.of.workspace_id
        links = await chosen(lambda: self._store.links.of(workspace_id), query)
        if query.group_by is None:
            return len(links)
        if query.group_by == "tagId":
            return []
        field_name = _FIELDS[query.group_by]
        found: Counter[Any] = Counter(getattr(one, field_name, None) for one in links)
        return [LinkGroup(count=count, **{field_name: value}) for value, count in found.most_common()]

    def _wanted(self, call: Call, idempotency: str | None = None) -> Link:
        return new_link(
            call.body,
            call.of,
            link_id=self._ids.next(call.now_ms),
            user_id=call.key.id if call.key else None,
            now_ms=call.now_ms,
            idempotency=idempotency,
        )

    async def _made(self, wanted: Link, link: Link) -> LinkDocument:
        return self._shown.new(link) if link.id == wanted.id else await self._shown.one(link)

    async def _named(self, workspace_id: str, name: str) -> Link:
        found = await self._find(workspace_id, name)
        if found is None:
            raise told(NoSuchLink(name))
        return found

    async def _at(self, workspace_id: str, domain: str, key: str) -> Link:
        slug, key = domain_name(domain) or "", key.strip("/") or ROOT
        with telling():
            found = await look_up(self._store, lambda: self._store.links.at(slug, key))
        if found is None or found.workspace_id != workspace_id:
            raise told(NoSuchLink(f"{slug}/{key}"))
        return found

    async def _find(self, workspace_id: str, name: str) -> Link | None:
        """One that another gateway has made a moment ago is there as well."""
        with telling():
            return await look_up(self._store, lambda: self._store.links.find(workspace_id, name))
