"""The published JSON Schema files are those of the code, and mean the same as the decoder."""

import json
import string
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.decoding import Refused, decode_click, decode_erasure, decode_lead_event, decode_purchase
from schemas.json_schema import DIRECTORY, documents
from schemas.reasons import DeadLetterReason
from schemas.reward_decoding import decode_reward_event
from schemas.texts import BLANK_PATTERN, BROKEN_IDS
from tests.attribution.effort import examples

NOW: Final = 1_780_000_000_000

Document = dict[str, Any]
REWARD_ID: Final = "rw_0123456789abcdef0123456789abcdef"


def schema(name: str) -> Document:
    loaded: Document = orjson.loads((DIRECTORY / f"{name}.schema.json").read_bytes())
    return loaded


def test_files_are_current() -> None:
    published = {path.name: path.read_bytes() for path in DIRECTORY.glob("*.json")}
    assert published == documents(), "run: make schemas"


@pytest.mark.parametrize("name", [path.name.split(".")[0] for path in sorted(DIRECTORY.glob("*.json"))])
def test_files_are_valid_schemas(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))


DECODERS: Final[Mapping[str, Callable[[bytes, int, int], object]]] = {
    "click": decode_click,
    "lead-event": decode_lead_event,
    "purchase": decode_purchase,
    "erasure": decode_erasure,
    "refund": decode_reward_event,
    "hold": decode_reward_event,
}
VALIDATORS: Final = {name: Draft202012Validator(schema(name)) for name in DECODERS}
FIELDS: Final = {name: list(next(iter(schema(name)["$defs"].values()))["properties"]) for name in DECODERS}
VALID: Final[Mapping[str, Document]] = {
    "click": {"workspaceId": "acme", "clickId": "c1"},
    "lead-event": {"workspaceId": "acme", "eventName": "Sign Up", "customerExternalId": "u1"},
    "purchase": {"workspaceId": "acme", "customerExternalId": "u1", "amount": 100},
    "erasure": {"workspaceId": "acme", "customerExternalId": "u1"},
    "refund": {
        "type": "refund",
        "workspaceId": "acme",
        "customerExternalId": "u1",
        "eventId": "e1",
        "amount": 100,
        "invoiceId": "in_1",
    },
    "hold": {
        "type": "hold",
        "workspaceId": "acme",
        "customerExternalId": "u1",
        "eventId": "e1",
        "rewardId": REWARD_ID,
    },
}


def decodes(name: str, document: Document) -> bool:
    """Whether a time is in range depends on the day: no schema says that."""
    try:
        DECODERS[name](json.dumps(document).encode(), NOW, NOW)
    except Refused as refused:
        return refused.reason is DeadLetterReason.TIMESTAMP_OUT_OF_RANGE
    return True


@pytest.mark.parametrize(
    ("name", "fields", "valid"),
    [
        ("click", {}, True),
        ("click", {"qr": 1, "latitude": "52.5", "timestamp": NOW}, True),
        ("click", {"qr": 1.0, "timestamp": float(NOW)}, True),
        ("click", {"timestamp": NOW + 0.5}, False),
        ("click", {"timestamp": "2026-01-01T00:00:00"}, False),
        ("click", {"timestamp": "yesterday"}, False),
        ("click", {"trigger": ""}, True),
        ("click", {"workspaceId": "a b"}, False),
        ("click", {"workspaceId": "acme\n"}, False),
        ("click", {"workspaceId": "undefined"}, False),
        ("click", {"workspaceId": None}, False),
        ("click", {"clickId": " "}, False),
        ("click", {"clickId": "c" * 65}, False),
        ("click", {"clickId": "nUll "}, False),
        ("click", {"trigger": "smoke"}, False),
        ("click", {"url": "u" * 32_000}, True),
        ("click", {"url": "u" * 32_001}, False),
        ("lead-event", {"metadata": {"a": 1}}, True),
        ("lead-event", {"metadata": [1]}, False),
        ("lead-event", {"customerExternalId": None}, False),
        ("lead-event", {"customerExternalId": " ", "externalId": "", "customerId": "\u00a0"}, False),
        ("lead-event", {"customerExternalId": None, "customerId": " u1 "}, True),
        ("lead-event", {"customerId": "[Object object]"}, False),
        ("lead-event", {"customerExternalId": "a\x1fb"}, False),
        ("lead-event", {"customerExternalId": "a\x1f"}, True),
        ("lead-event", {"eventId": "a\x1f"}, False),
        ("lead-event", {"eventName": ""}, False),
        ("lead-event", {"eventQuantity": 0}, False),
        ("lead-event", {"eventQuantity": 2.0}, True),
        ("lead-event", {"eventQuantity": 1.5}, False),
        ("lead-event", {"eventQuantity": "2"}, False),
        ("lead-event", {"eventQuantity": 1e300}, False),
        ("lead-event", {"mode": " "}, True),
        ("lead-event", {"customerEmail": "e" * 321}, False),
        ("purchase", {"currency": "USD"}, True),
        ("purchase", {"currency": " "}, True),
        ("purchase", {"currency": "€€€"}, False),
        ("purchase", {"currency": "euro"}, False),
        ("purchase", {"paymentProcessor": "stripe"}, True),
        ("purchase", {"paymentProcessor": "paypal"}, False),
        ("purchase", {"amount": "100"}, False),
        ("purchase", {"amount": 100.0}, True),
        ("purchase", {"amount": 0.0, "timestamp": float(NOW)}, True),
        ("purchase", {"amount": 100.5}, False),
        ("erasure", {"customerExternalId": ""}, False),
        ("erasure", {"customerExternalId": "undefined"}, True),
        ("erasure", {"customerExternalId": None, "customerId": "a\x1fb"}, True),
        ("erasure", {"workspaceId": "null"}, True),
        ("erasure", {"workspaceId": "a:b"}, False),
        ("refund", {"amount": 0}, False),
        ("refund", {"eventId": " "}, False),
        ("refund", {"eventId": None}, False),
        ("refund", {"invoiceId": " "}, False),
        ("refund", {"invoiceId": None, "saleId": REWARD_ID.replace("rw", "sl")}, True),
        ("refund", {"saleId": REWARD_ID.replace("rw", "sl")}, False),
        ("hold", {"rewardId": f"{REWARD_ID}\n"}, False),
        ("hold", {"rewardId": None}, False),
        ("hold", {"type": None}, False),
        ("hold", {"reason": "x" * 1_001}, False),
    ],
)
def test_schema_and_decoder_agree(name: str, fields: Document, valid: bool) -> None:
    document = VALID[name] | fields
    assert (VALIDATORS[name].is_valid(document), decodes(name, document)) == (valid, valid)


BLANKS: Final = st.text(" \t\n\x1f\x85\u00a0\u2003\u3000", max_size=2)
WORDS: Final = st.sampled_from(
    [*BROKEN_IDS, "stripe", "link", "wait", "usd", "€€€", "\u212ar.", "nano", "2026-01-01T00:00:00Z"]
)
BOUNDS: Final = [bound + more for bound in (16, 64, 100, 255, 320, 2_048, 4_096, 32_000) for more in (0, 1)]
TEXTS: Final = st.one_of(
    st.builds("{}{}{}".format, BLANKS, WORDS, BLANKS),
    st.builds(str.upper, WORDS),
    BLANKS,
    st.text("a1-_ Zé🙂\x00\x1f\x7f\x80\x9f\xad\ufeff\u200b\u2028\ufffd", max_size=6),
    st.builds(lambda char, length: char * length, st.sampled_from("aé🙂 "), st.sampled_from(BOUNDS)),
)
NUMBERS: Final = st.one_of(
    st.integers(-2, 102),
    st.integers(-(2**70), 2**70),
    st.integers(-2, 102).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([NOW, float(NOW), NOW + 0.5, 2.0**63, 1e300, -0.0]),
)
TIMES: Final = st.builds(
    "{}-{}-{}{}{}:{}:{}{}{}".format,
    st.sampled_from(["2026", "1969", "0001", "26"]),
    st.sampled_from(["01", "12", "13", "00", "1"]),
    st.sampled_from(["01", "28", "32", "00", "1"]),  # of the 29th to 31st a pattern would need a calendar
    st.sampled_from("Tt _"),
    st.sampled_from(["00", "23", "24"]),
    st.sampled_from(["00", "59", "60"]),
    st.sampled_from(["00", "59", "60"]),
    st.sampled_from(["", ".", ".5", ".123456789"]),
    st.sampled_from(["Z", "z", "", "+01:00", "-2359", "+24:00", "+01", "Z\n", "+00:60"]),
)
ANY_VALUE: Final = st.one_of(
    TEXTS, NUMBERS, TIMES, st.sampled_from([None, True, False, [], {}, [1], {"a": 1}])
)
LIKELY: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "timestamp": st.one_of(TIMES, NUMBERS),
    "trigger": st.sampled_from(["link", "qr", " ", "", "QR", "link "]),
    "mode": st.sampled_from(["async", "deferred", " ", "", "later"]),
    "currency": st.sampled_from(["EUR", " usd\n", "", "€€€", "eu", "euro"]),
    "paymentProcessor": st.sampled_from(["stripe", "dub", "", "Stripe"]),
    "metadata": st.sampled_from([None, {}, {"a": 1}, [], ""]),
    "rewardId": st.sampled_from([REWARD_ID, f"{REWARD_ID}\n", REWARD_ID.upper(), " "]),
    "saleId": st.sampled_from([REWARD_ID.replace("rw", "sl"), REWARD_ID, None, ""]),
    "type": st.sampled_from(["refund", "hold", "Hold", " "]),
    **dict.fromkeys(("amount", "eventQuantity", "qr", "bot", "trackConversion"), NUMBERS),
}


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, Document]:
    """A valid document with some of its fields replaced, added or removed."""
    name = draw(st.sampled_from(list(DECODERS)))
    document = dict(VALID[name])
    for field in draw(st.lists(st.sampled_from(FIELDS[name]), min_size=1, max_size=3, unique=True)):
        likely = draw(st.integers(0, 9)) > 0
        document[field] = draw(LIKELY.get(field, TEXTS) if likely else ANY_VALUE)
    if draw(st.integers(0, 9)) == 0:
        del document[draw(st.sampled_from(list(VALID[name])))]
    return name, document


@examples(500)
@given(mutated())
def test_the_schema_accepts_what_the_decoder_accepts_and_nothing_else(drawn: tuple[str, Document]) -> None:
    name, document = drawn
    assert VALIDATORS[name].is_valid(document) == decodes(name, document)


def test_blank_is_what_python_calls_blank() -> None:
    """By the pattern, which also other languages read."""
    blank = Draft202012Validator({"pattern": BLANK_PATTERN}).is_valid
    assert all(blank(chr(point)) == chr(point).isspace() for point in range(0x3100))
    assert blank(string.whitespace)
