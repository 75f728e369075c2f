"""By what ``/analytics`` counts: the values of ``groupBy``, and what they are called in the answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from processors.gateway.analytics.filters import ALL, FIELDS, Kind


class GroupBy(StrEnum):
    """In all, by time, or by values."""

    COUNT = "count"
    TIMESERIES = "timeseries"
    CONTINENTS = "continents"
    REGIONS = "regions"
    COUNTRIES = "countries"
    CITIES = "cities"
    DEVICES = "devices"
    BROWSERS = "browsers"
    OS = "os"
    TRIGGER = "trigger"
    TRIGGERS = "triggers"
    EVENT_NAMES = "event_names"
    REFERERS = "referers"
    REFERER_URLS = "referer_urls"
    TOP_FOLDERS = "top_folders"
    TOP_LINK_TAGS = "top_link_tags"
    TOP_DOMAINS = "top_domains"
    TOP_LINKS = "top_links"
    TOP_URLS = "top_urls"
    TOP_BASE_URLS = "top_base_urls"
    TOP_PARTNERS = "top_partners"
    TOP_GROUPS = "top_groups"
    TOP_PARTNER_TAGS = "top_partner_tags"
    UTM_SOURCES = "utm_sources"
    UTM_MEDIUMS = "utm_mediums"
    UTM_CAMPAIGNS = "utm_campaigns"
    UTM_TERMS = "utm_terms"
    UTM_CONTENTS = "utm_contents"


@dataclass(frozen=True)
class Values:
    """``columns``: name in the answer → SQL of a row. ``fixed``: what older clients expect beside them.
    ``beside``: under which name the value stands once more: typed clients know no rows of its own name.
    ``known_only``: typed clients take no other values than these, so that what has none is left out.
    """

    columns: Mapping[str, str]
    fixed: Mapping[str, str] = field(default_factory=dict)
    kinds: frozenset[Kind] = ALL
    known_only: Sequence[str] = ()
    beside: str | None = None


CONTINENTS: Final = ("AF", "AN", "AS", "EU", "NA", "OC", "SA")
TRIGGERS: Final = ("qr", "link", "pageview", "deeplink")


DIRECT: Final = "(direct)"
"""What the SDKs call the referrer of whoever followed no link on another site."""


def _referrers(name: str) -> Values:
    return Values({name: f"if({FIELDS[name].sql} = '', '{DIRECT}', {FIELDS[name].sql})"})


def _by(name: str, beside: str | None = None) -> Values:
    return Values({name: FIELDS[name].sql}, kinds=FIELDS[name].kinds, beside=beside)


_TRIGGERS: Final = Values({"trigger": "trigger"}, known_only=TRIGGERS)
BY: Final[Mapping[GroupBy, Values]] = {
    GroupBy.CONTINENTS: Values({"continent": "continent"}, known_only=CONTINENTS),
    GroupBy.COUNTRIES: Values({"country": "country"}, {"region": "*", "city": "*"}),
    GroupBy.REGIONS: Values({"country": "country", "region": "region"}, {"city": "*"}),
    GroupBy.CITIES: Values({"country": "country", "region": "region", "city": "city"}),
    GroupBy.DEVICES: _by("device"),
    GroupBy.BROWSERS: _by("browser"),
    GroupBy.OS: _by("os"),
    GroupBy.TRIGGER: _TRIGGERS,
    GroupBy.TRIGGERS: _TRIGGERS,
    GroupBy.EVENT_NAMES: _by("eventName"),
    GroupBy.REFERERS: _referrers("referer"),
    GroupBy.REFERER_URLS: _referrers("refererUrl"),
    GroupBy.TOP_DOMAINS: _by("domain", "url"),
    GroupBy.TOP_LINKS: Values({"id": "link_id"}),
    GroupBy.TOP_URLS: _by("url"),
    GroupBy.TOP_BASE_URLS: Values({"url": "cutQueryStringAndFragment(url)"}),
    GroupBy.TOP_PARTNERS: _by("partnerId", "url"),
    GroupBy.UTM_SOURCES: _by("utm_source", "url"),
    GroupBy.UTM_MEDIUMS: _by("utm_medium", "url"),
    GroupBy.UTM_CAMPAIGNS: _by("utm_campaign", "url"),
    GroupBy.UTM_TERMS: _by("utm_term", "url"),
    GroupBy.UTM_CONTENTS: _by("utm_content", "url"),
}
NONE: Final = frozenset(
    {GroupBy.TOP_FOLDERS, GroupBy.TOP_LINK_TAGS, GroupBy.TOP_GROUPS, GroupBy.TOP_PARTNER_TAGS}
)
"""Of what there is nothing here."""
