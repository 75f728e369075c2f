"""The calls that are about many links at once: each link has an outcome of its own."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from processors.gateway.answers import ApiError, Code
from processors.gateway.links.bodies import LinkFields, ManyLinksUpdate, NewLink
from processors.gateway.links.calls import Shown
from processors.gateway.links.document import LinkDocument
from processors.gateway.links.making import changed, drawing, new_link
from processors.gateway.links.queries import LinkIdsQuery
from processors.gateway.links.reading import fields
from processors.gateway.links.telling import telling, told
from processors.gateway.routing import Call
from processors.registry.ids import NewIds
from processors.registry.link_changes import LinkRefused, create, delete, update
from processors.registry.links import BY_EXTERNAL_ID
from processors.registry.registries import Change, each
from processors.registry.store import RegistryStore
from schemas.links import Link


class LinkError(Struct, frozen=True, kw_only=True):
    """Why there is no link. ``link``: what was asked for, or the name of what was not found."""

    error: str
    code: Code
    link: Any


class DeletedCount(Struct, frozen=True, rename="camel"):
    """So many are gone that were there."""

    deleted_count: int


class BulkCalls:
    """Handlers. One change writes all of a call; the answer has the links first, then the errors."""

    def __init__(self, store: RegistryStore, shown: Shown, ids: NewIds) -> None:
        self._store, self._shown, self._ids = store, shown, ids

    async def create(self, call: Call) -> list[LinkDocument | LinkError]:
        """Those that can be made are made."""
        asked: list[Any] = []
        changes: list[Change[Link]] = []
        errors: list[LinkError] = []
        for body in call.body:
            try:
                changes.append(self._creation(call, body))
                asked.append(msgspec.to_builtins(body))
            except ApiError as error:
                errors.append(_error(error, msgspec.to_builtins(body)))
        made, refused = await self._written(changes, asked)
        return [*map(self._shown.new, made), *errors, *refused]

    async def update(self, call: Call) -> list[LinkDocument | LinkError]:
        """The same for all that are there."""
        body: ManyLinksUpdate = call.body
        fields(body.data)  # what is refused of one is refused of all
        external = (BY_EXTERNAL_ID + one.removeprefix(BY_EXTERNAL_ID) for one in body.external_ids)
        names = _each_once(body.link_ids or external)
        changes = [self._change(call, name, body.data) for name in names]
        changed_links, refused = await self._written(changes, [{"id": name} for name in names])
        return [*await self._shown.all(changed_links), *refused]

    async def delete(self, call: Call) -> DeletedCount:
        """Whatever is not there is passed over."""
        query: LinkIdsQuery = call.query
        names = _each_once(name.strip() for name in query.link_ids)
        if not names:
            raise ApiError(
                Code.BAD_REQUEST, "linkIds names the links to delete, by id or by external id after ext_."
            )
        workspace_id = call.of.workspace_id
        gone, _ = await self._written([delete(workspace_id, name) for name in names], names)
        return DeletedCount(len({one.id for one in gone}))

    def _creation(self, call: Call, body: NewLink) -> Change[Link]:
        wanted = new_link(
            body,
            call.of,
            link_id=self._ids.next(call.now_ms),
            user_id=call.key.id if call.key else None,
            now_ms=call.now_ms,
        )
        return create(wanted, drawing(body))

    def _change(self, call: Call, name: str, wishes: LinkFields) -> Change[Link]:
        return update(call.of.workspace_id, name, lambda old: changed(old, wishes, call.now_ms))

    async def _written(
        self, changes: Sequence[Change[Link]], asked: Sequence[Any]
    ) -> tuple[list[Link], list[LinkError]]:
        """``asked``: for each change, what it was to be."""
        if not changes:
            return [], []
        with telling():
            results = await self._store.write(each(changes, (LinkRefused, ApiError)))
        links = [one for one in results if isinstance(one, Link)]
        errors = [
            _error(result, wanted)
            for result, wanted in zip(results, asked, strict=True)
            if isinstance(result, LinkRefused | ApiError)
        ]
        return links, errors


def _error(error: LinkRefused | ApiError, link: Any) -> LinkError:
    answer = told(error)
    return LinkError(error=answer.message, code=answer.code, link=link)


def _each_once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))
