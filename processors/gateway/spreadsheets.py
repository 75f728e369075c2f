"""Tables as CSV, for programs that would take a text for something else."""

import csv
import io
from collections.abc import Iterable
from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def cell(value: object) -> str:
    """A text that a spreadsheet would compute gets an apostrophe in front."""
    if not isinstance(value, str):
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{value}" if value.startswith(_FORMULA) else value


def lines(rows: Iterable[Iterable[object]]) -> bytes:
    """As RFC 4180 has them."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([cell(one) for one in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")
