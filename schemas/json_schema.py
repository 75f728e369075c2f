"""JSON Schema files of everything that travels: ``python -m schemas.json_schema`` writes them anew."""

from pathlib import Path
from typing import Any, Final

import msgspec
import orjson

from schemas.events import Click, CustomerEvent, Erasure, Event, LeadEvent, Purchase
from schemas.results import Customer, Lead, Sale, Touch, Unmatched
from schemas.reward_events import Cancel, Hold, Refund, Release, RewardEvent
from schemas.reward_policy import RewardPolicy
from schemas.rewards import Reward, RewardRefusal
from schemas.texts import BLANK_PATTERN, PRESENT_PATTERN

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
    "refund": Refund,
    "hold": Hold,
    "release": Release,
    "cancel": Cancel,
    "reward": Reward,
    "reward-refusal": RewardRefusal,
    "reward-policy": RewardPolicy,
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
    if issubclass(kind, Event):
        _add_what_types_do_not_say(schema["$defs"][kind.__name__], kind)
    text = orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return text.replace(rb"\n    ", rb"\n")  # docstrings come with the indentation of their source


def _add_what_types_do_not_say(schema: dict[str, Any], kind: type[Event]) -> None:
    """What the decoder does beyond the types of the fields."""
    for rules in schema["properties"].values():
        if any(isinstance(one.get("enum", [0])[0], str) for one in rules.get("anyOf", ())):
            rules["anyOf"].append({"type": "string", "pattern": BLANK_PATTERN})
    if issubclass(kind, CustomerEvent):
        present = {"type": "string", "pattern": PRESENT_PATTERN}
        schema["anyOf"] = [
            {"required": [name], "properties": {name: present}}
            for name in ("customerExternalId", "externalId", "customerId")
        ]
    if issubclass(kind, RewardEvent):  # of all that share a topic, it says which one it is
        schema["properties"]["type"] = {"const": kind.type_name}
        schema["required"].append("type")
    if kind is Refund:
        text = {"type": "string", "pattern": PRESENT_PATTERN}
        schema["oneOf"] = [
            {"required": [name], "properties": {name: text}} for name in ("invoiceId", "saleId")
        ]


if __name__ == "__main__":
    write()
