"""JSON Schema files of everything that travels: ``python -m schemas.json_schema`` writes them anew."""

from pathlib import Path
from typing import Any, Final

import msgspec
import orjson

from schemas.events import Click, Erasure, LeadEvent, Purchase
from schemas.results import Customer, Lead, Sale, Touch, Unmatched

DIRECTORY: Final = Path(__file__).parent / "json"

PUBLISHED: Final[dict[str, type[msgspec.Struct]]] = {
    "click": Click,
    "lead-event": LeadEvent,
    "purchase": Purchase,
    "erasure": Erasure,
    "touch": Touch,
    "lead": Lead,
    "sale": Sale,
    "customer": Customer,
    "unmatched": Unmatched,
}


def documents() -> dict[str, bytes]:
    """File name → content."""
    return {f"{name}.schema.json": _document(kind) for name, kind in PUBLISHED.items()}


def write(directory: Path = DIRECTORY) -> None:
    """Write every schema file, and remove those of types that are gone."""
    directory.mkdir(exist_ok=True)
    current = documents()
    for stale in set(directory.glob("*.schema.json")) - {directory / name for name in current}:
        stale.unlink()
    for name, content in current.items():
        (directory / name).write_bytes(content)


def _document(kind: type[msgspec.Struct]) -> bytes:
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **msgspec.json.schema(kind),
    }
    text = orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return text.replace(rb"\n    ", rb"\n")  # docstrings come with the indentation of their source


if __name__ == "__main__":
    write()
