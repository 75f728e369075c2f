"""The calls that are about customers."""

from typing import Final

import msgspec
from msgspec import Struct

from processors.gateway.answers import ApiError, Code
from processors.gateway.asking import Ask
from processors.gateway.customers.document import CustomerDocument, Found, document
from processors.gateway.customers.stored import CustomersQuery, StoredCustomers
from processors.gateway.known import Facts, KnownCustomer, Publisher
from processors.gateway.paging import cursor_of
from processors.gateway.routing import Call, Opens, Route
from schemas.ids import customer_id
from schemas.links import short_link

_TAG: Final = "Customers"
_EXTERNAL: Final = "ext_"
_LONGEST_ID: Final = 100


class CustomerQuery(Struct, frozen=True, kw_only=True, rename="camel"):
    """How a customer is to be shown."""

    include_expanded_fields: bool = False


class DeletedCustomer(Struct, frozen=True):
    """The id of who is being forgotten."""

    id: str


class Customers:
    """Handlers. ``ask``: as ``Stored.rows``."""

    def __init__(self, ask: Ask, facts: Facts, publisher: Publisher) -> None:
        self._stored, self._facts, self._publisher = StoredCustomers(ask), facts, publisher

    async def page(self, call: Call) -> list[CustomerDocument]:
        """A page of them. One who is asked for by external id may be too young for ClickHouse."""
        query: CustomersQuery = call.query
        workspace_id = call.of.workspace_id
        found = await self._stored.page(workspace_id, query)
        if not found and query.external_id and _asks_for_one(query):
            young = await self._young(workspace_id, query.external_id, call.now_ms)
            found = [young] if young is not None and _shows(query, young) else []
        return [document(one, expanded=query.include_expanded_fields) for one in found]

    async def get(self, call: Call) -> CustomerDocument:
        """By our id, or by the external one after ``ext_``."""
        found = await self._find(call)
        return document(found, expanded=call.query.include_expanded_fields)

    async def delete(self, call: Call) -> DeletedCustomer:
        """Asks for the person to be forgotten everywhere; returns when that can no longer be lost."""
        workspace_id, name = call.of.workspace_id, call.path["id"]
        if name.startswith(_EXTERNAL):
            external_id = name.removeprefix(_EXTERNAL)
            known = await self._facts.customer(workspace_id, external_id) if _may_be(external_id) else None
            if known is None or known.erased:
                raise _not_found()
        else:
            external_id = (await self._find(call)).external_id
        event = {"type": "erasure", "workspaceId": workspace_id, "customerExternalId": external_id}
        await self._publisher.publish(msgspec.json.encode(event))
        return DeletedCustomer(customer_id(workspace_id, external_id))

    async def _find(self, call: Call) -> Found:
        workspace_id, name = call.of.workspace_id, call.path["id"]
        external_id = name.removeprefix(_EXTERNAL) if name.startswith(_EXTERNAL) else None
        our_id = name if external_id is None else customer_id(workspace_id, external_id)
        found = await self._stored.one(workspace_id, our_id)
        # An erasure that was accepted counts before the rows are gone.
        external_id = external_id if found is None else found.external_id
        if external_id is not None and _may_be(external_id):
            known = await self._facts.customer(workspace_id, external_id, wait=False)
            if known is not None and known.erased:
                raise _not_found()
            if found is None and known is not None:
                return _of_facts(workspace_id, external_id, known, call.now_ms)
        if found is None:
            raise _not_found()
        return found

    async def _young(self, workspace_id: str, external_id: str, now_ms: int) -> Found | None:
        if not _may_be(external_id):
            return None
        known = await self._facts.customer(workspace_id, external_id, wait=False)
        if known is None or known.erased:
            return None
        return _of_facts(workspace_id, external_id, known, now_ms)


def customer_routes(ask: Ask, facts: Facts, publisher: Publisher) -> list[Route]:
    """``ask``: as ``Stored.rows``."""
    calls = Customers(ask, facts, publisher)
    one = "/customers/{id}"
    return [
        Route(
            method="GET",
            path="/customers",
            opens=Opens.SECRET,
            handle=calls.page,
            query=CustomersQuery,
            answer=list[CustomerDocument],
            errors=(Code.UNPROCESSABLE_ENTITY,),
            summary="Customers, newest first",
            tag=_TAG,
        ),
        Route(
            method="GET",
            path=one,
            opens=Opens.SECRET,
            handle=calls.get,
            query=CustomerQuery,
            answer=CustomerDocument,
            errors=(Code.NOT_FOUND,),
            summary="A customer, by id or by external id after ext_",
            tag=_TAG,
        ),
        Route(
            method="DELETE",
            path=one,
            opens=Opens.SECRET,
            handle=calls.delete,
            answer=DeletedCustomer,
            errors=(Code.NOT_FOUND,),
            summary="Forget a customer everywhere",
            tag=_TAG,
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


def _asks_for_one(query: CustomersQuery) -> bool:
    return not query.email and query.page in (None, 1) and not cursor_of(query)


def _shows(query: CustomersQuery, found: Found) -> bool:
    """Whether one that is known from facts alone is among those asked for."""
    return (
        query.status in (None, "pending")
        and query.country in (None, "")
        and query.partner_id in (None, "")
        and query.link_id in (None, "", found.link_id)
        and query.program_id in (None, "", found.program_id)
    )


def _may_be(external_id: str) -> bool:
    return bool(external_id.strip()) and len(external_id) <= _LONGEST_ID


def _not_found() -> ApiError:
    return ApiError(Code.NOT_FOUND, "Customer not found.")
