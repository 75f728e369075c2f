"""Brings the newest country file, or that of a ``.mmdb`` at hand:

python -m processors.visitors.country_file.refresh [FILE.mmdb VERSION]
"""

import lzma
import sys
import tarfile
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256, sha512
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.request import urlopen

import maxminddb
import msgspec
import orjson

from processors.visitors.country_file import ABOUT, FILE, About

REGISTRY: Final = "https://registry.npmjs.org"
PACKAGE: Final = "@ip-location-db/geo-whois-asn-country-mmdb"
NAME: Final = "geo-whois-asn-country.mmdb"
_FILTERS: Final = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]
_FETCH_S: Final = 60
_KNOWN: Final = (("8.8.8.8", "US"), ("193.0.6.139", "NL"), ("2001:620::1", "CH"))
"""Addresses that will not move: of Google's name servers, of the RIPE NCC, of SWITCH."""


class Unfit(Exception):
    """What came is not what was asked for."""


def fetch() -> tuple[str, bytes]:
    """The newest version and its file. Raises ``OSError``, and ``Unfit`` for a package that is not the one
    that the registry lists."""
    listed = orjson.loads(_read(f"{REGISTRY}/{PACKAGE}/latest"))
    packed = _read(listed["dist"]["tarball"])
    if listed["dist"]["integrity"] != "sha512-" + _base64(sha512(packed).digest()):
        raise Unfit("the package is not what the registry lists: try again")
    with tarfile.open(fileobj=BytesIO(packed)) as package:
        member = package.extractfile(f"package/{NAME}")
        if member is None:
            raise Unfit(f"the package has no {NAME}")
        return listed["version"], member.read()


def check(file: bytes) -> None:
    """Raises ``Unfit`` for a file that does not know the countries of what everybody knows."""
    with TemporaryDirectory() as directory:
        path = Path(directory, NAME)
        path.write_bytes(file)
        try:
            with maxminddb.open_database(path) as reader:
                found = [(address, reader.get(address)) for address, _ in _KNOWN]
        except maxminddb.InvalidDatabaseError as error:
            raise Unfit(f"it is no database of places: {error}") from error
    if found != [(address, {"country_code": country}) for address, country in _KNOWN]:
        raise Unfit(f"it has other countries: {found}")


def store(version: str, file: bytes, packed: Path = FILE, about: Path = ABOUT) -> None:
    """The file, compressed, and what it is."""
    packed.write_bytes(lzma.compress(file, filters=_FILTERS))
    told = About(PACKAGE, version, NAME, sha256(file).hexdigest())
    about.write_bytes(msgspec.json.format(msgspec.json.encode(told)) + b"\n")


def main(arguments: Sequence[str]) -> None:
    """See above."""
    version, file = (arguments[1], Path(arguments[0]).read_bytes()) if arguments else fetch()
    check(file)
    store(version, file)
    sys.stdout.write(f"{FILE.name}: {PACKAGE} {version}, {FILE.stat().st_size:,} bytes\n")


def _read(url: str) -> bytes:
    with urlopen(url, timeout=_FETCH_S) as answer:  # noqa: S310 - addresses of the registry
        content: bytes = answer.read()
        return content


def _base64(digest: bytes) -> str:
    return b64encode(digest).decode()


if __name__ == "__main__":
    main(sys.argv[1:])
