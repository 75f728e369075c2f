"""What is shown, as CSV: as many lines as there are, of which few are held at a time."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, tzinfo
from typing import Final, TypeVar

from processors.gateway.analytics.counts import Counts, Series
from processors.gateway.analytics.scopes import Scope
from processors.gateway.answers import Answer
from processors.gateway.asking import Ask
from processors.gateway.dashboard.events import Event, Place, newest
from processors.gateway.dashboard.numbers import Groups
from processors.gateway.dashboard.people import Person, Wanted, people, place_of
from processors.gateway.dashboard.periods import Period
from processors.gateway.dashboard.refusals import RefusedEvent, refused_events
from processors.gateway.dashboard.state import State
from processors.gateway.spreadsheets import attached, lines

T = TypeVar("T")
AT_ONCE: Final = 5_000
"""Events of one question."""
_UNUSUAL: Final = re.compile(r"[^A-Za-z0-9._-]+")
_MOST_NAME: Final = 180
_EVENT_COLUMNS: Final = (
    "time",
    "kind",
    "event",
    "customer_external_id",
    "customer_name",
    "partner_id",
    "link_id",
    "domain",
    "key",
    "url",
    "country",
    "city",
    "device",
    "browser",
    "os",
    "referer",
    "click_id",
    "clicked_at",
    "quantity",
    "amount",
    "currency",
    "revision",
    "recurring",
)
_PERSON_COLUMNS: Final = (
    "customer_external_id",
    "customer_name",
    "customer_email",
    "status",
    "signed_up_at",
    "qualified_at",
    "clicked_at",
    "leads",
    "sales",
    "partner_id",
    "link_id",
    "domain",
    "key",
    "country",
    "city",
    "device",
    "browser",
    "click_id",
    "attribution_model",
)
_REFUSED_COLUMNS: Final = (
    "time",
    "kind",
    "reason",
    "event",
    "customer_external_id",
    "click_id",
    "detail",
    "position",
)
_COUNT_COLUMNS: Final = ("clicks", "sign_ups", "leads", "sales")


def answer(content: bytes | AsyncIterator[bytes], name: str) -> Answer:
    """``name``: of the file."""
    return Answer(content, headers=attached(name))


def file_name(workspace_id: str, what: str, period: Period | date, state: State) -> str:
    """With its period, or the day of what is so today, its zone and filters."""
    when = str(period) if isinstance(period, date) else f"{period.span.first}_{period.span.last}"
    filters = [
        part
        for one in state.filters
        for part in (one.field, *(["not"] if one.negated else []), ".".join(one.values))
    ]
    parts = [workspace_id, what, when, state.timezone, *filters]
    written = "-".join(_UNUSUAL.sub(".", one) for one in parts)
    return f"{written[:_MOST_NAME]}.csv"


def series_lines(series: Series, period: Period) -> Iterator[Sequence[object]]:
    """One line for each bucket."""
    currencies = sorted(series.total.amounts)
    yield ["begin", *_COUNT_COLUMNS, *(f"amount_{one}" for one in currencies)]
    for begin, counts in zip(period.span.begins, series.buckets, strict=True):
        yield [_time(begin, period.zone), *_counted(counts, currencies)]


def group_lines(field: str, groups: Groups) -> Iterator[Sequence[object]]:
    """One line for each value."""
    currencies = sorted({one for group in groups.first for one in group.counts.amounts})
    yield [field, *_COUNT_COLUMNS, *(f"amount_{one}" for one in currencies)]
    for group in groups.first:
        yield [group.value, *_counted(group.counts, currencies)]


def _counted(counts: Counts, currencies: Sequence[str]) -> list[object]:
    amounts = [counts.amounts.get(one, 0) for one in currencies]
    return [counts.clicks, counts.sign_ups, counts.leads, counts.sales, *amounts]


def event_lines(
    ask: Ask, scope: Scope, kind: str, zone: tzinfo, at_once: int = AT_ONCE
) -> AsyncIterator[bytes]:
    """Newest first, page after page."""

    async def page(last: Event | None) -> Sequence[Event]:
        after = None if last is None else Place(last.at_ms, last.kind, last.id)
        return await newest(ask, scope, kind, at_once, after)

    return _parts(_EVENT_COLUMNS, page, lambda one: _event(one, zone), at_once)


def people_lines(
    ask: Ask, scope: Scope, wanted: Wanted, now_ms: int, zone: tzinfo, at_once: int = AT_ONCE
) -> AsyncIterator[bytes]:
    """In the order of the list, page after page."""

    async def page(last: Person | None) -> Sequence[Person]:
        after = None if last is None else place_of(last)
        return (await people(ask, scope, replace(wanted, after=after), now_ms, at_once)).shown

    return _parts(_PERSON_COLUMNS, page, lambda one: _person(one, zone), at_once)


def refused_lines(
    ask: Ask, scope: Scope, reason: str, zone: tzinfo, at_once: int = AT_ONCE
) -> AsyncIterator[bytes]:
    """Newest first, page after page."""

    async def page(last: RefusedEvent | None) -> Sequence[RefusedEvent]:
        return await refused_events(ask, scope, reason=reason, most=at_once, after=last)

    return _parts(_REFUSED_COLUMNS, page, lambda one: _refused(one, zone), at_once)


async def _parts(
    columns: Sequence[object],
    page: Callable[[T | None], Awaitable[Sequence[T]]],
    row: Callable[[T], Sequence[object]],
    at_once: int,
) -> AsyncIterator[bytes]:
    """``page``: of what follows the last one of the page before."""
    head, last = [columns], None
    while True:
        found = await page(last)
        if part := lines([*head, *map(row, found)]):
            yield part
        if len(found) < at_once:
            return
        head, last = [], found[-1]


def _refused(one: RefusedEvent, zone: tzinfo) -> Sequence[object]:
    at = _time(one.at_ms, zone)
    return at, one.kind, one.reason, one.name, one.customer, one.click_id, one.detail, one.position


def _person(one: Person, zone: tzinfo) -> Sequence[object]:
    return (
        one.external_id,
        one.name,
        one.email,
        one.status,
        _time(one.signed_ms, zone),
        None if one.qualified_ms is None else _time(one.qualified_ms, zone),
        _time(one.clicked_ms, zone),
        one.leads,
        one.sales,
        one.partner_id,
        one.link_id,
        one.domain,
        one.key,
        one.country,
        one.city,
        one.device,
        one.browser,
        one.click_id,
        one.model,
    )


def _event(one: Event, zone: tzinfo) -> Sequence[object]:
    amount = one.amount if one.currency else None
    return (
        _time(one.at_ms, zone),
        one.kind,
        one.name,
        one.customer,
        one.customer_name,
        one.partner_id,
        one.link_id,
        one.domain,
        one.key,
        one.url,
        one.country,
        one.city,
        one.device,
        one.browser,
        one.os,
        one.referer,
        one.click_id,
        _time(one.clicked_ms, zone),
        one.quantity,
        amount,
        one.currency,
        one.revision,
        one.recurring,
    )


def _time(ms: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(ms / 1000, zone).isoformat(timespec="milliseconds")
