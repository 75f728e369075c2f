"""The country of every address, as the registries of the internet have given them out.

``countries.mmdb.xz`` is the file of the npm package that ``countries.json`` names, with its version and its
checksum; ``LICENSE`` says whom to name. ``refresh`` brings a newer one.
"""

import lzma
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

import maxminddb
from msgspec import Struct
from msgspec.json import Decoder

HERE: Final = Path(__file__).parent
FILE: Final = HERE / "countries.mmdb.xz"
ABOUT: Final = HERE / "countries.json"


class About(Struct, frozen=True):
    """Where the file is from. ``sha256``: of what it is when unpacked, hexadecimal."""

    package: str
    version: str
    file: str
    sha256: str


read_about: Final = Decoder(About).decode


def open_country_file() -> maxminddb.Reader:
    """Takes some 0.2 s. Raises ``OSError`` where nothing can be written into the directory for temporary
    files, and ``maxminddb.InvalidDatabaseError`` for a file that is not the one that came along."""
    unpacked = lzma.decompress(FILE.read_bytes())
    if sha256(unpacked).hexdigest() != read_about(ABOUT.read_bytes()).sha256:
        raise maxminddb.InvalidDatabaseError(f"{FILE} is damaged: install leadstream again")
    # Fast reading is of files alone. This one is gone as soon as it is mapped, whatever ends the process.
    with NamedTemporaryFile(prefix="leadstream-", suffix=".mmdb") as file:
        file.write(unpacked)
        file.flush()
        return maxminddb.open_database(file.name, maxminddb.MODE_MMAP_EXT)
