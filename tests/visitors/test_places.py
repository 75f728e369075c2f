"""Where an address is, and whether it may be kept."""

import json
import lzma
import tarfile
from base64 import b64encode
from hashlib import sha512
from io import BytesIO
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import maxminddb
import pytest

from processors.visitors import country_file
from processors.visitors.countries import CONTINENTS, may_keep_addresses
from processors.visitors.country_file import ABOUT, FILE, open_country_file, read_about, refresh
from processors.visitors.networks import told_by_network
from processors.visitors.places import NOWHERE, Place, Places, UnreadablePlaces

PLACES = Places()


@pytest.mark.parametrize(
    ("address", "continent", "country"),
    [
        ("8.8.8.8", "NA", "US"),
        ("193.0.6.139", "EU", "NL"),
        ("200.160.2.3", "SA", "BR"),
        ("2001:620::1", "EU", "CH"),
        ("2001:4860:4860::8888", "NA", "US"),
        # Of nobody, of a house, of this machine.
        *(("203.0.113.1", None, None), ("10.0.0.1", None, None), ("127.0.0.1", None, None)),
        *(("2001:db8::1", None, None), ("fd00::1", None, None), ("::1", None, None)),
    ],
)
def test_the_file_that_comes_along_knows_countries(
    address: str, continent: str | None, country: str | None
) -> None:
    assert PLACES.of(ip_address(address)) == Place(continent, country)


def test_nobody_is_nowhere() -> None:
    assert PLACES.of(None) == NOWHERE


class Database:
    """Answers the same whatever it is asked."""

    def __init__(self, found: Any) -> None:
        self._found = found

    def get(self, _: object) -> Any:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


GEOIP2 = {
    "continent": {"code": "NA"},
    "country": {"iso_code": "US"},
    "subdivisions": [{"iso_code": "CA", "names": {"en": "California"}}],
    "city": {"names": {"en": "San Francisco", "de": "San Franzisko"}},
    "location": {"latitude": 37.77491, "longitude": -122.4},
}
DBIP = {
    "continent": {"code": "EU"},
    "country": {"iso_code": "DE"},
    "subdivisions": [{"names": {"en": "State of Berlin"}}],
    "city": {"names": {"en": "Berlin"}},
}
IP_LOCATION = {
    "country_code": "JP",
    "state1": "Tokyo",
    "city": "Chiyoda",
    "latitude": "35.69",
    "longitude": "x",
}
NOTHINGS: list[Any] = [
    *(None, {}, "US", 7, [], ValueError("IPv6")),
    *({"country": "US"}, {"country_code": 7}, {"country_code": "USA"}),
    *({"subdivisions": [None]}, {"location": [1]}, {"city": {"names": []}}),
]


@pytest.mark.parametrize(
    ("found", "place"),
    [
        (GEOIP2, Place("NA", "US", "US-CA", "San Francisco", "37.7749", "-122.4000")),
        (DBIP, Place("EU", "DE", "State of Berlin", "Berlin")),
        (IP_LOCATION, Place("AS", "JP", "Tokyo", "Chiyoda", "35.6900")),
        ({"continent": {"code": "EU"}}, Place("EU")),
        ({"country_code": "ZZ"}, Place(None, "ZZ")),
        ({"country_code": "fr"}, Place("EU", "FR")),
        ({"city": {"names": {"en": "x" * 300}}}, Place(city="x" * 255)),
        *((nothing, NOWHERE) for nothing in NOTHINGS),
        ({"location": {"latitude": float("nan"), "longitude": 1_000}}, NOWHERE),
        (maxminddb.InvalidDatabaseError("damaged"), NOWHERE),
    ],
)
def test_databases_of_all_makes_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: Any, place: Place
) -> None:
    monkeypatch.setattr(maxminddb, "open_database", lambda _: Database(found))
    assert Places(tmp_path / "city.mmdb").of(ip_address("10.0.0.1")) == place


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "city.mmdb"
    file.write_bytes(b"not one")
    with pytest.raises(UnreadablePlaces, match=r"city\.mmdb"):
        Places(file)
    with pytest.raises(OSError, match="missing"):
        Places(tmp_path / "missing.mmdb")


TRUSTED = [
    ({"cf-ipcountry": "DE"}, Place("EU", "DE")),
    (
        {"cf-ipcountry": "US", "cf-region-code": "CA", "cf-ipcity": "San José", "cf-iplatitude": "37.3"},
        Place("NA", "US", "US-CA", "San José", "37.3000"),
    ),
    (
        {"x-vercel-ip-country": "BR", "x-vercel-ip-city": "S%C3%A3o%20Paulo"},
        Place("SA", "BR", None, "São Paulo"),
    ),
    (
        {"cloudfront-viewer-country": "GB", "cloudfront-viewer-country-region": "ENG"},
        Place("EU", "GB", "GB-ENG"),
    ),
    *(({"cf-ipcountry": unknown}, None) for unknown in ("XX", "T1", "", "Germany", "D\r")),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "place"), TRUSTED)
def test_a_delivery_network_knows_better(headers: dict[str, str], place: Place | None) -> None:
    assert told_by_network(headers) == place


def test_every_country_is_on_one_continent() -> None:
    assert len(CONTINENTS) == 250
    assert {len(country) for country in CONTINENTS} == {2}


@pytest.mark.parametrize("country", ["US", "BR", "JP", "ZA", "AU", "CA", "IN", "TR", "RU", "UA"])
def test_elsewhere_an_address_may_be_kept(country: str) -> None:
    assert may_keep_addresses(country)


_PROTECTED = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK IS LI NO GB CH"


@pytest.mark.parametrize("country", [*_PROTECTED.split(), "GP", "RE", "AX", "XX", "EU", "", None])
def test_where_people_are_protected_and_where_it_is_not_known_it_is_not(country: str | None) -> None:
    assert not may_keep_addresses(country)


def test_the_file_is_the_one_that_is_named() -> None:
    about = read_about(ABOUT.read_bytes())
    assert (about.package, about.file) == (refresh.PACKAGE, refresh.NAME)
    assert "nro.net" in (FILE.parent / "LICENSE").read_text()


def test_a_damaged_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    damaged = tmp_path / FILE.name
    damaged.write_bytes(lzma.compress(b"something else"))
    monkeypatch.setattr(country_file, "FILE", damaged)
    with pytest.raises(maxminddb.InvalidDatabaseError, match="install leadstream again"):
        open_country_file()


def test_a_new_file_is_looked_at_first(tmp_path: Path) -> None:
    unpacked = lzma.decompress(FILE.read_bytes())
    refresh.check(unpacked)
    for broken in (b"", b"x" * 1_000, unpacked[:100_000]):
        with pytest.raises(refresh.Unfit):
            refresh.check(broken)


def test_a_new_file_is_stored_with_what_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packed, about = tmp_path / "file.xz", tmp_path / "about.json"
    refresh.store("2.0.0", b"a database", packed, about)
    assert lzma.decompress(packed.read_bytes()) == b"a database"
    assert read_about(about.read_bytes()).version == "2.0.0"


def published(file: bytes, monkeypatch: pytest.MonkeyPatch, *, spoilt: bool = False) -> None:
    """The registry of npm has a package with this file."""
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as package:
        member = tarfile.TarInfo(f"package/{refresh.NAME}")
        member.size = len(file)
        package.addfile(member, BytesIO(file))
    integrity = "sha512-" + b64encode(sha512(packed.getvalue()).digest()).decode()
    listed = {"version": "2.0.0", "dist": {"tarball": "https://registry.test/it", "integrity": integrity}}
    answers = {
        f"{refresh.REGISTRY}/{refresh.PACKAGE}/latest": json.dumps(listed).encode(),
        "https://registry.test/it": packed.getvalue() + b"x" * spoilt,
    }
    monkeypatch.setattr(refresh, "_read", answers.__getitem__)


def test_a_new_file_is_the_one_that_was_published(monkeypatch: pytest.MonkeyPatch) -> None:
    published(b"a database", monkeypatch)
    assert refresh.fetch() == ("2.0.0", b"a database")
    published(b"a database", monkeypatch, spoilt=True)
    with pytest.raises(refresh.Unfit, match="registry"):
        refresh.fetch()


def test_nothing_is_left_among_temporary_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with open_country_file() as reader:
        assert list(tmp_path.iterdir()) == []
        assert reader.get("8.8.8.8") == {"country_code": "US"}
