"""Where an address is, by a database in MaxMind's format."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any, Final, NamedTuple

import maxminddb

from processors.visitors.countries import CONTINENTS
from processors.visitors.country_file import open_country_file

_LONGEST: Final = 255


class Place(NamedTuple):
    """None: not known. ``continent``: two letters, ``country``: ISO 3166-1 alpha-2, ``region``: ISO 3166-2
    (``US-CA``) or a name, ``city``: in English; degrees as decimal numbers."""

    continent: str | None = None
    country: str | None = None
    region: str | None = None
    city: str | None = None
    latitude: str | None = None
    longitude: str | None = None


NOWHERE: Final = Place()


class UnreadablePlaces(Exception):
    """A file is no database of places."""


class Places:
    """``file``: any ``.mmdb`` with countries or cities, of MaxMind, DB-IP or ip-location-db; None: the one
    that comes along, with countries alone.

    A file is mapped into memory, and stays as it was opened. Raises ``UnreadablePlaces``, or ``OSError``.
    """

    def __init__(self, file: Path | None = None) -> None:
        # In it, addresses that belong to nobody are said to be where those beside them are.
        self._everywhere = file is not None
        try:
            self._reader = open_country_file() if file is None else maxminddb.open_database(file)
        except (maxminddb.InvalidDatabaseError, UnicodeDecodeError) as error:
            raise UnreadablePlaces(f"{file}: {error}") from error

    def of(self, address: IPv4Address | IPv6Address | None) -> Place:
        """Never raises: a place that cannot be read is none."""
        if address is None or not (self._everywhere or address.is_global):
            return NOWHERE
        try:
            found = self._reader.get(address)
        except (ValueError, maxminddb.InvalidDatabaseError):
            return NOWHERE  # of IPv6, and the database has none; or it is damaged there
        return _place(found) if isinstance(found, dict) else NOWHERE

    def close(self) -> None:
        """Afterwards nothing is found."""
        self._reader.close()


def _place(found: Mapping[str, Any]) -> Place:
    if "country_code" in found:  # ip-location-db
        country, region, city = found["country_code"], found.get("state1"), found.get("city")
        degrees: Any = found
    else:
        country, city = _inside(found, "country", "iso_code"), _inside(found, "city", "names", "en")
        parts = found.get("subdivisions")
        part = parts[0] if isinstance(parts, list) and parts else None
        region = _inside(part, "iso_code") or _inside(part, "names", "en")
        degrees = found.get("location")
    continent = country_code(_inside(found, "continent", "code"))
    latitude, longitude = _inside(degrees, "latitude"), _inside(degrees, "longitude")
    return made(country_code(country), continent, label(region), label(city), latitude, longitude)


def made(
    country: str | None,
    continent: str | None = None,
    region: str | None = None,
    city: str | None = None,
    latitude: object = None,
    longitude: object = None,
) -> Place:
    """Tells a place like every other: of a country its continent, of a region its code with the country's."""
    if region and country and len(region) <= _CODE and region.isalnum():
        region = f"{country}-{region}"
    continent = CONTINENTS.get(country or "") or continent
    return Place(continent, country, region, city, _degrees(latitude), _degrees(longitude))


_CODE: Final = 3
"""Characters of a subdivision's own code, at most."""


def _inside(found: Any, *names: str) -> Any:
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def country_code(text: object) -> str | None:
    """Two letters, of a continent as well; else None."""
    known = isinstance(text, str) and len(text) == 2 and text.isascii() and text.isalpha()
    return str(text).upper() if known else None


def label(text: object) -> str | None:
    """A name that says something; else None."""
    return text[:_LONGEST] if isinstance(text, str) and text.strip() else None


def _degrees(value: Any) -> str | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return f"{number:.4f}" if -180 <= number <= 180 else None
