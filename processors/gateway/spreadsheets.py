"""Tables as CSV, for programs that would take a text for something else."""

import csv
import io
from collections.abc import Iterable
from typing import Final

CSV: Final = "text/csv"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def attached(name: str) -> dict[str, str]:
    """Headers of an answer that is kept as a file. Nothing between us and whoever asked keeps a copy."""
    return {
        "Content-Type": f"{CSV}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }


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
