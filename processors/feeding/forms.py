"""What a file is, by its first bytes: one of the forms that are read, or what else, and what to do then."""

import csv
import re
from enum import Enum, auto
from typing import Final, NamedTuple

from processors.errors import CheckFailed
from processors.feeding.tables import FIELDS
from schemas.refused import other_encoding

HEAD_BYTES: Final = 64 * 1024
"""In which the first line has to end, if it is to be told what it is."""
_BLANKS: Final = b" \t\r\n"
_DELIMITERS: Final = ",;\t|"
_EXPECTED: Final = "JSON Lines, a JSON array or CSV is expected."


class Kind(Enum):
    """How a text is taken apart."""

    LINES = auto()
    """An event a line; also for what is nothing else: then each line says what is wrong with it."""
    VALUES = auto()
    TABLE = auto()


class Form(NamedTuple):
    """``delimiter``: of the cells of a table."""

    kind: Kind
    delimiter: str = ""


class _Other(NamedTuple):
    beginning: bytes
    is_: str
    remedy: str = ""


_PIPED: Final = "Send what is in it: `{} FILE | leadstream send -`."
_CONVERTED: Final = (
    "Turn it into JSON Lines first, for example with DuckDB: "
    "`COPY (FROM {}) TO 'events.jsonl' (FORMAT json)`."
)
_AS_CSV: Final = "Save it as CSV UTF-8, with the names of the fields in its first row."
_OTHERS: Final = (
    _Other(b"\x1f\x8b", "compressed with gzip twice", _PIPED.format("zcat")),
    _Other(b"\x28\xb5\x2f\xfd", "compressed with Zstandard inside", _PIPED.format("zstdcat")),
    _Other(b"BZh9", "compressed with bzip2", _PIPED.format("bzcat")),
    _Other(b"\xfd7zXZ\x00", "compressed with xz", _PIPED.format("xzcat")),
    _Other(b"\x04\x22\x4d\x18", "compressed with lz4", _PIPED.format("lz4 -dc")),
    _Other(b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _PIPED.format("7z x -so")),
    _Other(b"PK\x03\x04", "a zip archive", _PIPED.format("unzip -p")),
    _Other(b"PAR1", "a Parquet file", _CONVERTED.format("'FILE'")),
    _Other(b"Obj\x01", "an Avro file", _CONVERTED.format("read_avro('FILE')")),
    _Other(b"ARROW1", "an Arrow file", _CONVERTED.format("'FILE'")),
    _Other(b"SQLite format 3\x00", "an SQLite database", _PIPED.format("sqlite3 -json") + " takes a query."),
    _Other(b"\xd0\xcf\x11\xe0", "an old Office document", _AS_CSV),
    _Other(b"\x89PNG", "an image (PNG)", _EXPECTED),
    _Other(b"\xff\xd8\xff", "an image (JPEG)", _EXPECTED),
    _Other(b"GIF8", "an image (GIF)", _EXPECTED),
    _Other(b"RIFF", "an image, a sound or a film (RIFF)", _EXPECTED),
    _Other(b"%PDF", "a PDF document", _EXPECTED),
)
_WORKBOOK: Final = _Other(b"", "an Excel workbook", _AS_CSV)
_TAR: Final = _Other(b"", "a tar archive", _PIPED.format("tar -xOf"))
_TAR_AT: Final = 257
_PAGE: Final = re.compile(rb"<(?:!doctype|html|head|body)\b", re.IGNORECASE)
_WEB_PAGE: Final = _Other(
    b"<", "a web page (HTML)", f"Was it downloaded from where one has to log in? {_EXPECTED}"
)
_XML: Final = _Other(b"<", "XML", f"Turn it into JSON Lines first. {_EXPECTED}")
_BINARY: Final = _Other(b"", "no text", _EXPECTED)


def form_of(head: bytes, *, whole: bool) -> Form | None:
    """``head``: without a byte-order mark. ``whole``: there is no more. None: more of it is needed.

    Raises ``CheckFailed`` for what is no text, or a text of another kind.
    """
    other = _other(head)
    if other is not None:
        raise CheckFailed(f"this is {other.is_}", other.remedy)
    begun = head.lstrip(_BLANKS)
    if begun.startswith(b"["):
        return Form(Kind.VALUES)
    first, ended, rest = begun.partition(b"\n")
    if not (ended or whole or len(head) >= HEAD_BYTES):
        return None
    if begun.startswith(b"{"):
        # As printers write an object over several lines.
        return Form(Kind.VALUES if first.strip() == b"{" else Kind.LINES)
    return _table(first.decode(errors="replace"), rest) or Form(Kind.LINES)


def _other(head: bytes) -> _Other | None:
    if encoding := other_encoding(head):
        return _Other(b"", encoding, _PIPED.format(f"iconv -f {encoding.partition(',')[0]} -t UTF-8"))
    for one in _OTHERS:
        if head.startswith(one.beginning):
            is_workbook = one.is_ == "a zip archive" and (b"xl/" in head or b"[Content_Types].xml" in head)
            return _WORKBOOK if is_workbook else one
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return _TAR
    begun = head.lstrip(_BLANKS)
    if _PAGE.match(begun):
        return _WEB_PAGE
    if begun.startswith(b"<?xml"):
        return _XML
    return _BINARY if b"\x00" in head else None


def _table(first: str, rest: bytes) -> Form | None:
    """Raises ``CheckFailed`` for a table whose first row does not name fields."""
    cells = {delimiter: next(csv.reader([first], delimiter=delimiter), []) for delimiter in _DELIMITERS}
    known = {delimiter: sum(map(_is_field, names)) for delimiter, names in cells.items()}
    best = max(_DELIMITERS, key=lambda delimiter: known[delimiter])
    if known[best]:
        return Form(Kind.TABLE, best)
    if max(map(len, cells.values())) > 1 and b"\n{" not in b"\n" + rest:
        raise CheckFailed(
            "this looks like CSV, and its first row names no field of an event",
            "Name them in its first row, spelt as they are: type,workspaceId,clickId,timestamp and so on.",
        )
    return None


def _is_field(cell: str) -> bool:
    name = cell.strip()
    return name in FIELDS or name.startswith("metadata.")
