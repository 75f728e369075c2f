"""What values and fields are called."""

from collections.abc import Mapping
from typing import Final

from processors.gateway.dashboard.countries import name_of

PLURALS: Final = {
    "partnerId": "Partners",
    "linkId": "Links",
    "country": "Countries",
    "device": "Devices",
    "utm_campaign": "Campaigns",
    "city": "Cities",
    "browser": "Browsers",
    "os": "Systems",
    "referer": "Referrers",
    "utm_source": "Sources",
    "utm_medium": "Mediums",
}


def group_name(field: str, value: str, named: Mapping[str, str]) -> str:
    """A value for people. ``named``: links, by their ids."""
    return name_of(value) if field == "country" else named.get(value, value)
