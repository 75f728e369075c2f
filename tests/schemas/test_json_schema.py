"""The published JSON Schema files are those of the code, and mean the same as the decoder."""

from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from schemas.decoding import Refused, decode_click, decode_lead_event
from schemas.json_schema import DIRECTORY, documents

NOW = 1_780_000_000_000


def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = orjson.loads((DIRECTORY / f"{name}.schema.json").read_bytes())
    return loaded


def test_files_are_current() -> None:
    published = {path.name: path.read_bytes() for path in DIRECTORY.glob("*.json")}
    assert published == documents(), "run: make schemas"


@pytest.mark.parametrize("name", [path.name.split(".")[0] for path in sorted(DIRECTORY.glob("*.json"))])
def test_files_are_valid_schemas(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize(
    "document",
    [
        {"workspaceId": "acme", "clickId": "c1"},
        {"workspaceId": "acme", "clickId": "c1", "qr": 1, "latitude": "52.5", "timestamp": NOW},
        {"workspaceId": "a b", "clickId": "c1"},
        {"workspaceId": "acme"},
        {"workspaceId": "acme", "clickId": "c" * 65},
        {"workspaceId": "acme", "clickId": "c1", "trigger": "smoke"},
    ],
)
def test_schema_and_decoder_agree_on_clicks(document: dict[str, Any]) -> None:
    assert Draft202012Validator(schema("click")).is_valid(document) == _decodes(decode_click, document)


@pytest.mark.parametrize(
    "document",
    [
        {"workspaceId": "acme", "eventName": "Sign Up", "customerExternalId": "u1", "metadata": {"a": 1}},
        {"workspaceId": "acme", "eventName": "Sign Up", "customerId": "u1", "metadata": None},
        {"workspaceId": "acme", "eventName": "Sign Up", "customerExternalId": "u1", "metadata": [1]},
        {"workspaceId": "acme", "eventName": "", "customerExternalId": "u1"},
        {"workspaceId": "acme", "eventName": "Sign Up", "customerExternalId": "u1", "eventQuantity": 0},
    ],
)
def test_schema_and_decoder_agree_on_lead_events(document: dict[str, Any]) -> None:
    expected = _decodes(decode_lead_event, document)
    assert Draft202012Validator(schema("lead-event")).is_valid(document) == expected


def _decodes(decode: Any, document: dict[str, Any]) -> bool:
    try:
        decode(orjson.dumps(document), NOW, NOW)
    except Refused:
        return False
    return True
