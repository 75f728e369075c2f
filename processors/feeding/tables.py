"""CSV with the names of fields in its first row → numbered events."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import DecodeError, Raw
from msgspec.json import Decoder, encode

from processors.errors import CheckFailed
from processors.feeding.lines import Line
from schemas.kinds import Kind, kinds_of_fields
from schemas.reasons import DeadLetterReason
from schemas.refused import Refused
from schemas.reward_events import SENT_TYPES

_INNER: Final = "metadata."
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
"""Without an exponent: spreadsheets write one where they have lost digits."""
_check_syntax: Final = Decoder(Raw).decode
_FLAGS: Final = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
_KINDS: Final[Mapping[str, frozenset[Kind]]] = {
    name: kinds for event in SENT_TYPES.values() for name, kinds in kinds_of_fields(event).items()
}
FIELDS: Final = frozenset(_KINDS) | {"type"}
"""What a column can be called; and ``metadata.…``."""


class Table:
    """Rows of cells, as events: each cell as the type of its field wants it, an empty one as absent.

    ``metadata.plan`` is the member ``plan`` of the metadata, always a text; ``metadata`` is all of it, in
    JSON. Columns of other names go along as texts. Raises ``CheckFailed`` for a header that names a column
    twice, or none for the type of the rows, unless they are ``typed`` otherwise.
    """

    def __init__(self, header: Sequence[str], *, typed: bool) -> None:
        self._names = [name.strip() for name in header]
        if twice := sorted({name for name in self._names if name and self._names.count(name) > 1}):
            raise CheckFailed(f"the header names {', '.join(twice)} more than once")
        if not typed and "type" not in self._names:
            raise CheckFailed(
                "no column says of which type the rows are", "Add the column type, or say --type."
            )

    def event(self, cells: Sequence[str]) -> bytes:
        """Raises ``Refused``."""
        if len(cells) != len(self._names):
            raise Refused(
                DeadLetterReason.SCHEMA_VIOLATION, f"{len(cells)} cells, and {len(self._names)} in the header"
            )
        try:
            return encode(self._members(cells))
        except UnicodeEncodeError:
            raise Refused(
                DeadLetterReason.NOT_JSON, "not UTF-8: save it as UTF-8, or convert it with iconv"
            ) from None

    def _members(self, cells: Sequence[str]) -> dict[str, Any]:
        members: dict[str, Any] = {}
        metadata: dict[str, str] = {}
        for name, cell in zip(self._names, cells, strict=True):
            if not cell or cell.isspace():
                continue
            if name.startswith(_INNER):
                metadata[name.removeprefix(_INNER)] = cell
            elif name:
                members[name] = _value(name, cell)
        return {"metadata": metadata, **members} if metadata else members


def _value(name: str, cell: str) -> Any:
    kinds = _KINDS.get(name, frozenset())
    text = cell.strip()
    if "flag" in kinds:
        return _FLAGS.get(text.lower(), cell)
    if kinds & {"int", "float"} and _NUMBER.fullmatch(text):
        return Raw(text.encode())
    if "raw" in kinds:
        try:
            return _check_syntax(text)
        except DecodeError:
            return cell
    return cell


def rows(lines: Iterable[str], delimiter: str, *, typed: bool) -> Iterator[Line]:
    """An event for each row but the first, numbered by the line where the row begins.

    Raises what :class:`Table` raises. After what is no CSV nothing is read any more: the last line says so.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    table: Table | None = None
    number = 1
    try:
        for cells in reader:
            if not any(cells):
                pass
            elif table is None:
                table = Table(cells, typed=typed)
            else:
                yield _line(table, number, cells)
            number = reader.line_num + 1
    except csv.Error as error:
        told = f"{error}; what comes after it is not read"
        yield Line(number, b"", refused=Refused(DeadLetterReason.NOT_JSON, told))


def _line(table: Table, number: int, cells: Sequence[str]) -> Line:
    try:
        return Line(number, table.event(cells))
    except Refused as refused:
        return Line(number, b"", refused=refused)
