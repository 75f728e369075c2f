"""The table of the calls that are about links."""

from functools import partial
from typing import Annotated, Any, Final

from msgspec import Meta

from processors.gateway.answers import Code
from processors.gateway.links.bodies import LinkUpdate, ManyLinksUpdate, NewLink, NewLinks
from processors.gateway.links.bulk import BulkCalls, DeletedCount
from processors.gateway.links.calls import DeletedLink, LinkCalls, LinkGroup, Shown
from processors.gateway.links.document import LinkDocument
from processors.gateway.links.queries import CountQuery, InfoQuery, LinkIdsQuery, LinksQuery
from processors.gateway.routing import Opens, Route
from processors.registry.ids import NewIds
from processors.registry.store import RegistryStore

_BULK_BYTES: Final = 1024 * 1024
_NAME: Final = "/links/{id}"
_WRITES: Final = (Code.FORBIDDEN, Code.CONFLICT, Code.UNPROCESSABLE_ENTITY)
# A union of the two is nothing that msgspec can describe.
_Outcomes = Annotated[
    list[dict[str, Any]],
    Meta(description="The links first, then for each that was refused {error, code, link}."),
]


def link_routes(store: RegistryStore, shown: Shown) -> list[Route]:
    """``shown``: how links are shown."""
    ids = NewIds()
    return [*_one_by_one(LinkCalls(store, shown, ids)), *_bulk(BulkCalls(store, shown, ids))]


_route = partial(Route, opens=Opens.SECRET, tag="Links")


def _one_by_one(calls: LinkCalls) -> list[Route]:
    return [
        _route(
            method="POST",
            path="/links",
            handle=calls.create,
            body=NewLink,
            answer=LinkDocument,
            errors=_WRITES,
            summary="Make a link",
            idempotent=True,
        ),
        _route(
            method="GET",
            path="/links",
            handle=calls.page,
            query=LinksQuery,
            answer=list[LinkDocument],
            errors=(Code.UNPROCESSABLE_ENTITY,),
            summary="Links, newest first",
        ),
        _route(
            method="GET",
            path="/links/info",
            handle=calls.info,
            query=InfoQuery,
            answer=LinkDocument,
            errors=(Code.BAD_REQUEST, Code.NOT_FOUND),
            summary="A link, by domain and key, by id, or by external id",
        ),
        _route(
            method="GET",
            path="/links/count",
            handle=calls.count,
            query=CountQuery,
            answer=int | list[LinkGroup],
            summary="How many links",
        ),
        _route(
            method="PUT",
            path="/links/upsert",
            handle=calls.upsert,
            body=NewLink,
            answer=LinkDocument,
            errors=_WRITES,
            summary="Change the link that leads to a URL, or make one",
        ),
        _route(
            method="GET",
            path=_NAME,
            handle=calls.get,
            answer=LinkDocument,
            errors=(Code.NOT_FOUND,),
            summary="A link, by id or by external id after ext_",
        ),
        *(
            _route(
                method=method,
                path=_NAME,
                handle=calls.update,
                body=LinkUpdate,
                answer=LinkDocument,
                errors=(Code.NOT_FOUND, *_WRITES),
                summary="Change a link",
            )
            for method in ("PATCH", "PUT")
        ),
        _route(
            method="DELETE",
            path=_NAME,
            handle=calls.delete,
            answer=DeletedLink,
            errors=(Code.NOT_FOUND,),
            summary="Delete a link",
        ),
    ]


def _bulk(calls: BulkCalls) -> list[Route]:
    return [
        _route(
            method="POST",
            path="/links/bulk",
            handle=calls.create,
            body=NewLinks,
            answer=_Outcomes,
            errors=(Code.UNPROCESSABLE_ENTITY,),
            summary="Make up to 100 links",
            most_bytes=_BULK_BYTES,
        ),
        _route(
            method="PATCH",
            path="/links/bulk",
            handle=calls.update,
            body=ManyLinksUpdate,
            answer=_Outcomes,
            errors=(Code.UNPROCESSABLE_ENTITY,),
            summary="Change up to 100 links in the same way",
        ),
        _route(
            method="DELETE",
            path="/links/bulk",
            handle=calls.delete,
            query=LinkIdsQuery,
            answer=DeletedCount,
            errors=(Code.BAD_REQUEST,),
            summary="Delete up to 100 links",
        ),
    ]
