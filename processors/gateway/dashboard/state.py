"""The state of a page, which is its address: every control is a link to another one."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode
from zoneinfo import ZoneInfo

from processors.gateway.analytics.filters import FIELDS, MOST_CHARACTERS, Filter
from processors.gateway.analytics.metadata import MOST_TERMS, OF_KEY, MetadataFilter, filter_of
from processors.gateway.analytics.periods import MOST_DAYS, USUAL, zone_named
from processors.gateway.dashboard.periods import CUSTOM, INTERVALS
from processors.gateway.dashboard.windows import ANY, WINDOWED, WINDOWS

UTC: Final = "UTC"
CLICKED, YES = "clicked", "1"
METADATA: Final = "metadata"
"""By which of its keys leads and sales are broken down."""
TABS: Final = ("clicks", "leads", "sales")
KINDS: Final = {"all": "All", "leads": "Leads", "sales": "Sales", "sign-ups": "Sign-ups", "clicks": "Clicks"}
BASES: Final = ("events", "cohort")
MAIN_GROUPS: Final = {
    "partnerId": "Partner",
    "linkId": "Link",
    "country": "Country",
    "device": "Device",
    "utm_campaign": "Campaign",
}
GROUPS: Final = MAIN_GROUPS | {
    "city": "City",
    "browser": "Browser",
    "os": "System",
    "referer": "Referrer",
    "utm_source": "Source",
    "utm_medium": "Medium",
}
UNITS: Final = ("count", "amount")


class _AnyText:
    """A choice that only those make who have written something."""

    def __contains__(self, text: object) -> bool:
        return bool(text)


_CHOICES: Final[Mapping[str, Container[str]]] = {
    "tab": TABS,
    "kind": KINDS,
    "basis": BASES,
    "groupBy": GROUPS,
    "unit": UNITS,
    METADATA: _AnyText(),
    **dict.fromkeys(WINDOWED, WINDOWS),
}
_USUAL: Final = {
    "tab": "leads",
    "kind": "all",
    "basis": "events",
    "groupBy": "partnerId",
    "unit": "count",
    METADATA: "",
    **dict.fromkeys(WINDOWED, ANY),
}
_MOST_FIELDS: Final = 100
_MOST_DIGITS: Final = 16
_LONGEST_KEY: Final = 200
"""Of metadata."""


class _Chosen(NamedTuple):
    interval: str
    days: tuple[date, date] | None


@dataclass(frozen=True)
class State:
    """``chosen``: what of ``_CHOICES`` is not as usual. ``days``: of an interval that is custom."""

    interval: str
    days: tuple[date, date] | None
    timezone: str
    filters: Sequence[Filter]
    chosen: Mapping[str, str]

    @property
    def zone(self) -> ZoneInfo:
        """In which days begin."""
        return ZoneInfo(self.timezone)

    def __getitem__(self, name: str) -> str:
        """What is chosen of ``tab``, ``kind``, ``basis``, ``groupBy``, ``unit``, ``metadata``, and of the
        windows."""
        return self.chosen.get(name, _USUAL[name])

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """As they go into an address; nothing that is as usual."""
        pairs = [] if self.interval in (USUAL, CUSTOM) else [("interval", self.interval)]
        if self.days:
            pairs += [("start", self.days[0].isoformat()), ("end", self.days[1].isoformat())]
        if self.timezone != UTC:
            pairs.append(("timezone", self.timezone))
        pairs += [(one.field, one.written) for one in self.filters]
        # A window says nothing of events that are counted by themselves.
        silent = () if self["basis"] == "cohort" else WINDOWED
        return pairs + [
            (name, one) for name, one in self.chosen.items() if one != _USUAL[name] and name not in silent
        ]

    def link(self, **chosen: str) -> str:
        """The query of the same with something else chosen; "" or with its question mark."""
        return query(replace(self, chosen={**self.chosen, **chosen}).pairs)

    def within(self, interval: str) -> str:
        """With another interval."""
        return query(replace(self, interval=interval, days=None).pairs)

    def filtered(self, field: str, value: str) -> str:
        """With this value alone of the field."""
        others = [one for one in self.filters if one.field != field]
        return query(replace(self, filters=[*others, filter_of(field)(field, (value,))]).pairs)

    def without(self, gone: Filter) -> str:
        """With one filter less."""
        return query(replace(self, filters=[one for one in self.filters if one != gone]).pairs)

    def turned(self, filtered: Filter) -> str:
        """With one that says the opposite."""
        found = [one.turned if one == filtered else one for one in self.filters]
        return query(replace(self, filters=found).pairs)

    @property
    def unfiltered(self) -> str:
        """With no filter at all."""
        return query(replace(self, filters=()).pairs)

    @property
    def same(self) -> str:
        """This very one: it is asked for anew."""
        return query(self.pairs)

    @property
    def zone_pairs(self) -> list[tuple[str, str]]:
        """What pages without a period take over."""
        return [(name, value) for name, value in self.pairs if name == "timezone"]

    @property
    def zone_query(self) -> str:
        """Likewise, as a query."""
        return query(self.zone_pairs)

    @property
    def place(self) -> str:
        """``Berlin``: what the zone is called after."""
        return self.timezone.rpartition("/")[2].replace("_", " ")

    def aged(self, least: int, most: int | None) -> str:
        """Of the list of customers: those who wait since so many days."""
        ages = [("minAge", str(least)), *([("maxAge", str(most))] if most is not None else [])]
        filters = [(one.field, one.written) for one in self.filters]
        return query([*self.zone_pairs, *filters, ("status", "pending"), *ages])

    def clicked(self, status: str = "") -> str:
        """Of the list of customers: those whose click lies in the period."""
        filters = [(one.field, one.written) for one in self.filters]
        chosen = [("status", status)] if status else []
        return query([*self.dated_pairs, (CLICKED, YES), *filters, *chosen])

    def customer(self, external_id: str) -> str:
        """Of the page of one."""
        return query([*self.zone_pairs, ("id", external_id)])

    def reason(self, name: str) -> str:
        """Of the list of what was not counted: one reason."""
        return query([*self.dated_pairs, ("reason", name)])

    @property
    def dated_pairs(self) -> list[tuple[str, str]]:
        """Period and zone."""
        return [pair for pair in self.pairs if pair[0] in ("interval", "start", "end", "timezone")]

    @property
    def dated(self) -> str:
        """Likewise, as a query."""
        return query(self.dated_pairs)

    @property
    def common(self) -> str:
        """What other views take over: period, zone and filters."""
        return query(replace(self, chosen={}).pairs)


def query(pairs: Iterable[tuple[str, str]]) -> str:
    """ "" or with its question mark. What people may read they can."""
    written = urlencode([*pairs], quote_via=quote, safe="/,:-")
    return f"?{written}" if written else ""


def moment_in(text: str) -> int | None:
    """Milliseconds, as an address has them; None: that is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS else None


def read(query_string: bytes) -> State:
    """What cannot be is as usual: an address that somebody has mistyped shows something."""
    try:
        found = parse_qsl(query_string.decode("latin-1"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        found = []
    given = {name: value.strip()[:MOST_CHARACTERS] for name, value in found if value.strip()}
    interval, days = _chosen(given)
    zone = given.get("timezone", UTC)
    return State(
        interval=interval,
        days=days,
        timezone=zone if zone_named(zone) else UTC,
        filters=[*_filters(given)],
        chosen={name: given[name] for name, choices in _CHOICES.items() if given.get(name, "") in choices},
    )


def _filters(given: Mapping[str, str]) -> Iterable[Filter]:
    for field in FIELDS:
        if (
            field in given
            and not (field == given.get("filter") and given.get("value"))
            and (found := Filter.read(field, given[field]))
        ):
            yield found
    terms = 0
    for field, written in given.items():
        key = field.removeprefix(OF_KEY)
        if key != field and 0 < len(key) <= _LONGEST_KEY and (found := MetadataFilter.read(field, written)):
            terms += len(found.values)
            if terms <= MOST_TERMS:
                yield found
    # As the form says it, which adds one: to the values of its field, if there is one that says the same.
    field, value = given.get("filter", ""), given.get("value", "")
    if field in FIELDS and value:
        added = Filter(field, (value,), negated=given.get("is") == "not")
        before = Filter.read(field, given.get(field, ""))
        yield added if before is None or before.negated != added.negated else before.with_value(value)


def _chosen(given: Mapping[str, str]) -> _Chosen:
    try:
        first, last = (date.fromisoformat(given[name]) for name in ("start", "end"))
    except (KeyError, ValueError):
        interval = given.get("interval", USUAL)
        return _Chosen(interval if interval in INTERVALS else USUAL, None)
    first, last = min(first, last), max(first, last)
    if (last - first).days >= MOST_DAYS or not 2000 <= first.year <= last.year <= 2100:
        return _Chosen(USUAL, None)
    return _Chosen(CUSTOM, (first, last))
