"""What callers write into the query of ``/analytics`` and ``/events``, and what it means."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct
from msgspec.structs import asdict

from processors.gateway.analytics import metadata
from processors.gateway.analytics.filters import (
    MOST_CHARACTERS,
    Condition,
    Filter,
    OfCustomers,
    OfLinks,
    OfRoots,
    read,
)
from processors.gateway.analytics.grouping import DIRECT, GroupBy
from processors.gateway.analytics.periods import (
    MOST_BUCKETS,
    MOST_DAYS,
    USUAL,
    Comparison,
    Grain,
    Interval,
    Period,
    TooManyBuckets,
    named,
    of_days,
    zone_named,
)
from processors.gateway.answers import ApiError
from processors.gateway.findings import broken
from processors.gateway.links.bodies import Id, Names, renamed
from processors.registry.links import BY_EXTERNAL_ID

_ONLY: Final = "One value, several with commas between, or, after a hyphen, all but these."


def _text(description: str, *examples: str) -> Any:
    return Meta(max_length=MOST_CHARACTERS, description=description, examples=[*examples])


Values = Annotated[str, _text(_ONLY, "DE", "DE,AT", "-US")]


class FilterQuery(Struct, frozen=True, kw_only=True, rename=renamed):
    """Which events. What nothing here has, tags, folders and groups, is refused."""

    link_id: Values | None = None
    external_id: Values | None = None
    domain: Values | None = None
    key: Values | None = None
    tenant_id: Values | None = None
    partner_id: Values | None = None
    program_id: Values | None = None
    customer_id: (
        Annotated[
            str,
            _text(
                "Customers, by our id or their own, after `ext_` or not: what they did, and the clicks that"
                " brought them.",
                "user_42",
            ),
        ]
        | None
    ) = None
    continent: Values | None = None
    country: Values | None = None
    region: Values | None = None
    city: Values | None = None
    device: Values | None = None
    browser: Values | None = None
    os: Values | None = None
    trigger: Values | None = None
    referer: Values | None = None
    referer_url: Values | None = None
    url: Values | None = None
    utm_source: Values | None = None
    utm_medium: Values | None = None
    utm_campaign: Values | None = None
    utm_term: Values | None = None
    utm_content: Values | None = None
    event_name: Annotated[str, _text(f"Of leads and sales. {_ONLY}", "Sign up")] | None = None
    sale_type: Annotated[
        Literal["new", "recurring"] | None, Meta(description="The first sale of a customer, or later ones.")
    ] = None
    root: Annotated[
        bool | None, Meta(description="Only links at `/` of their domain; false: all others.")
    ] = None
    qr: Annotated[bool | None, Meta(description="Only scans of QR codes; false: all others.")] = None
    query: Annotated[
        str,
        _text("Metadata of leads and sales.", "metadata['plan']:'pro' AND metadata['seats']>=5"),
    ] = ""
    tag_id: Id = ""
    tag_ids: Names = []
    folder_id: Id = ""
    group_id: Id = ""
    partner_tag_id: Id = ""

    def conditions(self, workspace_id: str) -> list[Condition]:
        """Raises ``ApiError``."""
        for name in ("tag_id", "tag_ids", "folder_id", "group_id", "partner_tag_id"):
            if getattr(self, name):
                raise refused(renamed(name), "there are none of these here.")
        given = {renamed(name): value for name, value in asdict(self).items() if isinstance(value, str)}
        found: list[Condition] = [_as_sdks_mean_it(one) for one in read(given.get)]
        if self.customer_id and (who := Filter.read("customerId", self.customer_id)):
            found.append(OfCustomers(workspace_id, _with_and_without(who.values), who.negated))
        if self.root is not None:
            found.append(OfRoots(self.root))
        if self.qr is not None:
            found.append(Filter("trigger", ("qr",), negated=not self.qr))
        if self.query.strip():
            try:
                found.append(metadata.read(self.query))
            except metadata.Malformed as error:
                raise refused("query", f"{error}.") from None
        return found


class ScopeQuery(FilterQuery, frozen=True, kw_only=True, rename=renamed):
    """Which time, and which events in it."""

    interval: Annotated[
        Interval | None,
        Meta(description=f"Which time; {USUAL} where nothing is said. `start` counts before it."),
    ] = None
    start: Annotated[
        str, _text("The first day, as a date or a time; whole days of the timezone are taken.", "2026-01-01")
    ] = ""
    end: Annotated[str, _text("The last day, likewise; today where nothing is said.", "2026-01-31")] = ""
    timezone: Annotated[
        str, _text("In which days begin: a name of the IANA database.", "Europe/Berlin", "Asia/Kathmandu")
    ] = "UTC"

    @property
    def zone(self) -> ZoneInfo:
        """Raises ``ApiError``."""
        zone = zone_named(self.timezone)
        if zone is None:
            raise refused("timezone", "no name of a timezone; one is Europe/Berlin.")
        return zone

    async def period(
        self,
        now_ms: int,
        first_ms: Callable[[], Awaitable[int | None]],
        *,
        grain: Grain | None = None,
        beside: Comparison = Comparison.PREVIOUS,
    ) -> Period:
        """``first_ms``: with which ``all`` begins; it is asked only then. Raises ``ApiError``."""
        zone = self.zone
        try:
            if self.start or self.end:
                return of_days(*self._days(zone, now_ms), zone, now_ms, grain=grain, beside=beside)
            interval = self.interval or USUAL
            first = await first_ms() if interval is Interval.ALL else None
            return named(interval, zone, now_ms, first_ms=first, grain=grain, beside=beside)
        except TooManyBuckets:
            raise refused(
                "granularity", f"more than {MOST_BUCKETS:,} of them; ask for longer ones, or a shorter time."
            ) from None

    def _days(self, zone: ZoneInfo, now_ms: int) -> tuple[date, date]:
        today = datetime.fromtimestamp(now_ms / 1000, zone).date()
        if not self.start:
            raise refused("start", "it is missing; `end` alone says no time.")
        first, last = _day("start", self.start, zone), _day("end", self.end, zone) if self.end else today
        if first > last:
            raise refused("end", "it is before `start`.")
        if (last - first).days >= MOST_DAYS:
            raise refused("start", f"more than {MOST_DAYS:,} days before the end.")
        return first, last


class AnalyticsQuery(ScopeQuery, frozen=True, kw_only=True, rename=renamed):
    """How many."""

    event: Annotated[
        Literal["clicks", "leads", "sales", "composite"],
        Meta(description="What is counted; composite: all of it. What is not asked for is 0."),
    ] = "clicks"
    group_by: Annotated[
        GroupBy,
        Meta(
            description="In all, by time, or by a value, those with the most first, at most 5,000 of them."
            " There are no tags, folders and groups."
        ),
    ] = GroupBy.COUNT
    granularity: Annotated[
        Grain | None, Meta(description="Of a timeseries; where nothing is said, what suits its length.")
    ] = None
    compare: Annotated[
        Comparison | None,
        Meta(
            description="Beside a count or timeseries, as `previous`: the time before, or that of a year"
            " before; as long, on the same weekdays, and of what is running as far as it has come."
        ),
    ] = None
    currency: Annotated[
        str,
        Meta(
            pattern="^[A-Za-z]{3}$",
            description="Whose minor units `saleAmount` adds up; `saleAmounts` has every currency.",
        ),
    ] = "usd"


class EventsQuery(ScopeQuery, frozen=True, kw_only=True, rename=renamed):
    """The events themselves. With ``Accept: text/csv`` all of them."""

    event: Literal["clicks", "leads", "sales"] = "clicks"
    page: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100
    cursor: Annotated[
        str,
        _text("The page after this, whatever arrives meanwhile: what the header X-Next-Cursor said.", ""),
    ] = ""
    sort_by: Literal["timestamp"] = "timestamp"
    sort_order: Literal["asc", "desc"] | None = None
    order: Annotated[Literal["asc", "desc"], Meta(description="Older name; `sortOrder` counts.")] = "desc"

    @property
    def newest_first(self) -> bool:
        """SDKs send both orders."""
        return (self.sort_order or self.order) == "desc"


class StreamQuery(FilterQuery, frozen=True, kw_only=True, rename=renamed):
    """Events as they come."""

    event: Annotated[
        Literal["clicks", "leads", "sales", "composite"],
        Meta(description="Which ones; composite: all of these."),
    ] = "clicks"

    def conditions(self, workspace_id: str) -> list[Condition]:
        """Raises ``ApiError``."""
        if self.sale_type is not None:
            raise refused(
                "saleType", "whether a sale is the first one is not known as it comes; ask /events for it."
            )
        return super().conditions(workspace_id)


def refused(name: str, text: str) -> ApiError:
    """A parameter breaks its rule."""
    return broken(name, f"{name}: {text}")


def _day(name: str, written: str, zone: ZoneInfo) -> date:
    try:
        moment = datetime.fromisoformat(written.strip())
    except ValueError:
        raise refused(name, "no date or time; one is 2026-01-31.") from None
    day = (moment.astimezone(zone) if moment.tzinfo else moment).date()
    if not 2000 <= day.year <= 2100:
        raise refused(name, "it is not between 2000 and 2100.")
    return day


def _as_sdks_mean_it(one: Filter) -> Condition:
    """They write ``ext_`` before ids of the workspace's own, and have a word for no referrer."""
    match one.field:
        case "linkId" if any(name.startswith(BY_EXTERNAL_ID) for name in one.values):
            return OfLinks(one.values, one.negated)
        case "externalId":
            return replace(one, values=_with_and_without(one.values))
        case "referer" | "refererUrl":
            return replace(one, values=tuple("" if value == DIRECT else value for value in one.values))
        case _:
            return one


def _with_and_without(names: Iterable[str]) -> tuple[str, ...]:
    """An id of the workspace's own may begin with ``ext_`` itself."""
    return tuple(dict.fromkeys(one for name in names for one in (name, name.removeprefix(BY_EXTERNAL_ID))))
