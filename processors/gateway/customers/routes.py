"""The calls that are about customers."""

from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from processors.gateway.answers import ApiError, Code
from processors.gateway.asking import Ask
from processors.gateway.customers.document import CustomerDocument, Found, document
from processors.gateway.customers.stored import CustomersQuery, StoredCustomers
from processors.gateway.customers.tracing import Tracing
from processors.gateway.known import Facts, KnownCustomer, Publisher
from processors.gateway.paging import cursor_of
from processors.gateway.routing import Call, Opens, Route
from processors.people.traced import Trace
from processors.registry.links import BY_EXTERNAL_ID
from schemas.ids import OUR_CUSTOMER, customer_id
from schemas.links import Link, short_link

_TAG: Final = "Customers"
_LONGEST_ID: Final = 100


class CustomerQuery(Struct, frozen=True, kw_only=True, rename="camel"):
    """How a customer is to be shown."""

    include_expanded_fields: bool = False


class DeletedCustomer(Struct, frozen=True):
    """The id of who is being forgotten."""

    id: str


class Customers:
    """Handlers. ``ask``: as ``Stored.rows``. ``link_by_id``: of the registry. ``qualification_window_ms``: of
    the workers."""

    def __init__(
        self,
        ask: Ask,
        facts: Facts,
        publisher: Publisher,
        link_by_id: Callable[[str], Link | None],
        qualification_window_ms: int,
        tracing: Tracing,
    ) -> None:
        self._tracing = tracing
        self._stored = StoredCustomers(ask, qualification_window_ms)
        self._facts, self._publisher = facts, publisher
        self._link_by_id = link_by_id

    async def page(self, call: Call) -> list[CustomerDocument]:
        """A page of them. One who is asked for by external id may be too young for ClickHouse."""
        query: CustomersQuery = call.query
        workspace_id = call.of.workspace_id
        found = [
            one
            for one in await self._stored.page(workspace_id, query, call.now_ms)
            if not await self._is_erased(workspace_id, one.external_id)
        ]
        if not found and (external_id := _only(query)):
            young = await self._young(workspace_id, external_id, call.now_ms)
            found = [young] if young is not None and _shows(query, young) else []
        return [self._shown(workspace_id, one, expanded=query.include_expanded_fields) for one in found]

    async def get(self, call: Call) -> CustomerDocument:
        """By our id, or by the external one after ``ext_``."""
        found = await self._find(call)
        return self._shown(call.of.workspace_id, found, expanded=call.query.include_expanded_fields)

    async def delete(self, call: Call) -> DeletedCustomer:
        """Asks for the person to be forgotten everywhere; returns when that can no longer be lost."""
        workspace_id, name = call.of.workspace_id, call.path["id"]
        external_id = _external(name)
        if external_id is None:
            external_id = (await self._find(call)).external_id
        elif not await self._is_there(workspace_id, external_id):
            raise _not_found()
        event = {"type": "erasure", "workspaceId": workspace_id, "customerExternalId": external_id}
        await self._publisher.publish(msgspec.json.encode(event))
        return DeletedCustomer(customer_id(workspace_id, external_id))

    async def trace(self, call: Call) -> Trace:
        """By the external id, after ``ext_`` or not, or by ours. Of whoever was erased it says so."""
        name = call.path["id"]
        external_id = _external(name)
        if external_id is None:
            external_id = (await self._find(call)).external_id if name.startswith(OUR_CUSTOMER) else name
        return await self._tracing.of(call.request, call.of.workspace_id, external_id)

    def _shown(self, workspace_id: str, found: Found, *, expanded: bool) -> CustomerDocument:
        """A link that is there is shown as it is now. The click has where its visitor was sent, with the
        query that he brought along."""
        link = self._link_by_id(found.link_id) if expanded and found.link_id else None
        if link is not None and link.workspace_id == workspace_id:
            found = replace(found, domain=link.domain, key=link.key, short_link=link.short_link, url=link.url)
        return document(found, expanded=expanded)

    async def _find(self, call: Call) -> Found:
        workspace_id, name = call.of.workspace_id, call.path["id"]
        external_id = _external(name)
        our_id = name if external_id is None else customer_id(workspace_id, external_id)
        found = await self._stored.one(workspace_id, our_id)
        if found is None and external_id is None:
            external_id = await self._facts.external_id(workspace_id, our_id)
        if found is None and external_id is not None:
            found = await self._young(workspace_id, external_id, call.now_ms)
        if found is None or await self._is_erased(workspace_id, found.external_id):
            raise _not_found()
        return found

    async def _is_there(self, workspace_id: str, external_id: str) -> bool:
        """For certain, or it raises ``Uncertain``."""
        known = await self._facts.customer(workspace_id, external_id) if _may_be(external_id) else None
        return known is not None and not known.erased

    async def _is_erased(self, workspace_id: str, external_id: str) -> bool:
        """An erasure that was accepted counts before the rows are gone."""
        known = await self._facts.customer(workspace_id, external_id, wait=False)
        return known is not None and known.erased

    async def _young(self, workspace_id: str, external_id: str, now_ms: int) -> Found | None:
        """One whom events named a moment ago; None: for certain, or it raises ``Uncertain``."""
        if not _may_be(external_id):
            return None
        known = await self._facts.customer(workspace_id, external_id, wait=False)
        if known is None:
            known = await self._facts.customer(workspace_id, external_id, requested=True)
        if known is None or known.erased:
            return None
        return _of_facts(workspace_id, external_id, known, now_ms)


def customer_routes(
    ask: Ask,
    facts: Facts,
    publisher: Publisher,
    link_by_id: Callable[[str], Link | None],
    qualification_window_ms: int,
    tracing: Tracing,
) -> list[Route]:
    """``ask``: as ``Stored.rows``. ``link_by_id``: of the registry; whose the link is, is checked here.
    ``qualification_window_ms``: of the workers."""
    calls = Customers(ask, facts, publisher, link_by_id, qualification_window_ms, tracing)
    one, route = "/customers/{id}", partial(Route, opens=Opens.SECRET, tag=_TAG)
    return [
        route(
            method="GET",
            path="/customers",
            handle=calls.page,
            query=CustomersQuery,
            answer=list[CustomerDocument],
            errors=(Code.UNPROCESSABLE_ENTITY,),
            summary="Customers, newest first",
        ),
        route(
            method="GET",
            path=one,
            handle=calls.get,
            query=CustomerQuery,
            answer=CustomerDocument,
            errors=(Code.NOT_FOUND,),
            summary="A customer, by id or by external id after ext_",
        ),
        route(
            method="GET",
            path=f"{one}/trace",
            handle=calls.trace,
            answer=Trace,
            errors=(Code.NOT_FOUND,),
            summary="Why a customer has its leads, or has none; takes seconds, one at a time",
        ),
        route(
            method="DELETE",
            path=one,
            handle=calls.delete,
            answer=DeletedCustomer,
            errors=(Code.NOT_FOUND,),
            summary="Forget a customer everywhere",
        ),
    ]


def _of_facts(workspace_id: str, external_id: str, known: KnownCustomer, now_ms: int) -> Found:
    """Whether it is qualified is for the results to say."""
    click = known.click
    link = click.link if click else None
    domain, key = (link.domain or "", link.key or "") if link else ("", "")
    at_ms = click.at_ms if click else now_ms
    return Found(
        id=customer_id(workspace_id, external_id),
        external_id=external_id,
        name=known.name or "",
        email=known.email or "",
        avatar=known.avatar or "",
        country="",
        created_at=at_ms,
        qualified=False,
        deferred_at=None,
        qualified_at=None,
        link_id=(link.id or "") if link else "",
        domain=domain,
        key=key,
        short_link=short_link(domain, key) if domain and key else "",
        url=(link.url or "") if link else "",
        program_id=(link.program_id or "") if link else "",
        sales=0,
        sale_amount=0,
        first_sale_at=None,
    )


def _external(name: str) -> str | None:
    """As events have it, of what stands in a path; None: that is our id."""
    return name.removeprefix(BY_EXTERNAL_ID).strip() if name.startswith(BY_EXTERNAL_ID) else None


def _only(query: CustomersQuery) -> str | None:
    """The external id of the one customer that is asked for; None: it is not that."""
    first = query.page in (None, 1) and not cursor_of(query)
    return query.external_id if first and not query.email else None


def _shows(query: CustomersQuery, found: Found) -> bool:
    """Whether one that is known from facts alone is among those asked for."""
    return (
        query.status in (None, "pending")
        and not query.min_age
        and not query.expires_within
        and query.country in (None, "")
        and query.partner_id in (None, "")
        and query.link_id in (None, "", found.link_id)
        and query.program_id in (None, "", found.program_id)
    )


def _may_be(external_id: str) -> bool:
    return bool(external_id.strip()) and len(external_id) <= _LONGEST_ID


def _not_found() -> ApiError:
    return ApiError(Code.NOT_FOUND, "Customer not found.")
