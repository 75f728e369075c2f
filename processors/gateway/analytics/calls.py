"""``/analytics`` and ``/events``."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from functools import partial
from itertools import zip_longest
from typing import Any, Final

from processors.gateway.analytics import events
from processors.gateway.analytics.counts import Counts, Group, groups, series
from processors.gateway.analytics.documents import CSV_HEAD, AnyEvent, csv_rows, document
from processors.gateway.analytics.event import Event
from processors.gateway.analytics.events import everything, link_of, page, place_of
from processors.gateway.analytics.filters import Kind, kinds_of
from processors.gateway.analytics.grouping import BY, NONE, GroupBy, Values
from processors.gateway.analytics.periods import Comparison, Grain, Period
from processors.gateway.analytics.queries import AnalyticsQuery, EventsQuery, ScopeQuery
from processors.gateway.analytics.scopes import Scope
from processors.gateway.answers import Answer
from processors.gateway.asking import LONGEST_S, TELLING_S, Ask, within
from processors.gateway.bodies import while_read
from processors.gateway.links.calls import Shown
from processors.gateway.links.document import LinkDocument
from processors.gateway.places import NEXT, Place
from processors.gateway.routing import Call
from processors.gateway.spreadsheets import CSV, attached, lines
from processors.registry.store import RegistryStore
from schemas.links import Link
from schemas.times import rfc3339

PATIENCE_S: Final = float(LONGEST_S + TELLING_S)
MOST_GROUPS: Final = 5_000
CSV_AT_A_TIME: Final = 2_000
_MOST_FIRST: Final = {
    "clicks": "clicks DESC",
    "leads": "leads DESC, clicks DESC",
    "sales": "amount DESC, sales DESC",
    "composite": "clicks DESC, leads DESC",
}


class Analytics:
    """Handlers. ``ask``: as ``Stored.rows``. ``shown``: of links."""

    def __init__(self, ask: Ask, store: RegistryStore, shown: Shown, patience_s: float = PATIENCE_S) -> None:
        self._ask = within(patience_s, ask)
        self._store, self._shown = store, shown

    async def analytics(self, call: Call) -> Any:
        """In the shape that goes with ``groupBy``."""
        query: AnalyticsQuery = call.query
        scope, period = await self._scope(call, query.granularity, query.compare or Comparison.PREVIOUS)
        kinds = kinds_of(query.event)
        numbers = partial(_numbers, currency=query.currency.lower())
        if query.group_by in NONE:
            return []
        if query.group_by not in (GroupBy.COUNT, GroupBy.TIMESERIES):
            return await self._grouped(scope, query, kinds)
        found = await series(self._ask, scope, period, kinds, compare=query.compare is not None)
        if query.group_by is GroupBy.COUNT:
            before = {"previous": numbers(found.compared)} if query.compare else {}
            return {**numbers(found.total), **before}
        buckets = [
            {"start": _stamp(period, begin), **numbers(counts)}
            for begin, counts in zip(period.span.begins, found.buckets, strict=True)
        ]
        if query.compare is None:
            return buckets
        beside = [
            {"start": _stamp(period, begin), **numbers(counts)}
            for begin, counts in zip(period.before.begins, found.before, strict=True)
        ]
        pairs = zip_longest(buckets, beside[: len(buckets)])
        return [{**bucket, "previous": previous} for bucket, previous in pairs]

    async def _grouped(self, scope: Scope, query: AnalyticsQuery, kinds: Sequence[Kind]) -> list[Any]:
        values = BY[query.group_by]
        kinds = [one for one in kinds if one in values.kinds]
        if not kinds:
            return []
        currency = query.currency.lower()
        found = await groups(
            self._ask,
            scope,
            [*values.columns.values()],
            MOST_GROUPS,
            _MOST_FIRST[query.event],
            kinds,
            currency,
        )
        shown = [one for one in found.first if _is_shown(one, values)]
        if query.group_by is GroupBy.TOP_LINKS:
            links = await self._links([one.values[0] for one in shown], scope, kinds)
            # One that nothing is known of any more was forgotten between the two questions.
            there = [(links[name], one.counts) for one in shown if (name := one.values[0]) in links]
            return [{**_top_link(link), **_numbers(counts, currency)} for link, counts in there]
        return [{**_named(one, values), **_numbers(one.counts, currency)} for one in shown]

    async def _links(self, ids: Sequence[str], scope: Scope, kinds: Sequence[Kind]) -> Mapping[str, Link]:
        """As the registry has them, or as the events of the scope say."""
        known = {one: self._link(one, scope.workspace_id) for one in ids}
        unknown = [name for name, link in known.items() if link is None]
        said = await events.links(self._ask, scope, kinds, unknown) if unknown else {}
        return said | {name: link for name, link in known.items() if link is not None}

    async def events(self, call: Call) -> Answer:
        """A page of them, or a file of all."""
        query: EventsQuery = call.query
        scope, _ = await self._scope(call)
        kind = Kind(query.event)
        if CSV in call.request.headers.get("accept", ""):
            pages = everything(self._ask, scope, kind, CSV_AT_A_TIME, newest_first=query.newest_first)
            content = _pieces(await anext(pages), pages)
            return Answer(while_read(call.request, content), headers=_file(call.of.workspace_id, query))
        found = await page(
            self._ask,
            scope,
            kind,
            query.limit + 1,
            skipped=0 if query.cursor else (query.page - 1) * query.limit,
            after=Place.read(query.cursor),
            newest_first=query.newest_first,
        )
        shown = found[: query.limit]
        headers = {NEXT: place_of(shown[-1]).written} if len(found) > len(shown) else {}
        return Answer(await self._documents(shown, kind, call.of.workspace_id), headers=headers)

    async def _documents(self, found: Iterable[Event], kind: Kind, workspace_id: str) -> list[AnyEvent]:
        links: dict[str, Link] = {}
        for one in found:
            if one.link_id not in links:
                links[one.link_id] = self._link(one.link_id, workspace_id) or link_of(one, workspace_id)
        shown = await self._shown.all([*links.values()])
        by_id: Mapping[str, LinkDocument] = {one.id: one for one in shown}
        return [document(one, kind, by_id[one.link_id]) for one in found]

    def _link(self, link_id: str, workspace_id: str) -> Link | None:
        link = self._store.links.get(link_id)
        return link if link is not None and link.workspace_id == workspace_id else None

    async def _scope(
        self, call: Call, grain: Grain | None = None, beside: Comparison = Comparison.PREVIOUS
    ) -> tuple[Scope, Period]:
        query: ScopeQuery = call.query
        workspace_id = call.of.workspace_id
        conditions = query.conditions(workspace_id)
        first_ms = partial(events.first_ms, self._ask, workspace_id)
        period = await query.period(call.now_ms, first_ms, grain=grain, beside=beside)
        return Scope(workspace_id, period.span.start_ms, period.span.end_ms, conditions), period


def _named(group: Group, values: Values) -> dict[str, Any]:
    """What is counted, in the words of the answer."""
    found = {**dict(zip(values.columns, group.values, strict=True)), **values.fixed}
    return {**found, values.beside: group.values[0]} if values.beside else found


def _is_shown(group: Group, values: Values) -> bool:
    return not values.known_only or group.values[0] in values.known_only


def _top_link(link: Link) -> dict[str, Any]:
    return {
        "link": link.id,
        "id": link.id,
        "domain": link.domain,
        "key": link.key,
        "shortLink": link.short_link,
        "url": link.url,
        "title": link.title,
        "comments": link.comments,
        "folderId": None,
        "partnerId": link.partner_id,
        "createdAt": rfc3339(link.created_at),
    }


def _numbers(counts: Counts, currency: str) -> dict[str, Any]:
    return {
        "clicks": counts.clicks,
        "leads": counts.leads,
        "sales": counts.sales,
        "saleAmount": counts.amounts.get(currency, 0),
        "saleAmounts": dict(sorted(counts.amounts.items())),
    }


def _stamp(period: Period, begin_ms: int) -> str:
    at = period.local(begin_ms)
    return f"{at:%Y-%m-%dT%H:%M:%S}.000{at:%z}"


async def _pieces(first: Sequence[Event], others: AsyncIterator[Sequence[Event]]) -> AsyncIterator[bytes]:
    yield lines([CSV_HEAD, *csv_rows(first)])
    async for found in others:
        yield lines(csv_rows(found))


def _file(workspace_id: str, query: EventsQuery) -> dict[str, str]:
    when = query.interval or f"{query.start[:10]}_{query.end[:10]}".strip("_") or "30d"
    safe = "".join(char if char.isalnum() or char in "-_" else "-" for char in f"{when}-{query.timezone}")
    return attached(f"{query.event}-{workspace_id}-{safe}.csv")
