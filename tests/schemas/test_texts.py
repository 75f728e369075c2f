"""Texts, ids and numbers of events: what is meant by them, and what no event may say."""

from collections.abc import Callable, Mapping

import orjson
import pytest
from msgspec import ValidationError
from msgspec.json import Decoder
from msgspec.structs import fields

from schemas.decoding import (
    Refused,
    decode_accepted_lead_event,
    decode_accepted_purchase,
    decode_click,
    decode_erasure,
    decode_lead_event,
    decode_purchase,
)
from schemas.events import Click, Erasure, Event, LeadEvent, Purchase
from schemas.reasons import DeadLetterReason as Reason
from tests.schemas.test_decoding import CLICK, LEAD, NOW, PURCHASE, click, lead, purchase

Decode = Callable[[bytes, int, int], object]
Fields = Mapping[str, object]

HALF = '"Joe \\ud83d"'


def test_half_a_character_is_a_replacement_character_wherever_it_stands() -> None:
    """JavaScript's slice makes them."""
    value = lead(customerName="NAME", metadata={"NAME": ["NAME"]}, unknown="NAME").decode()
    event, _ = decode_lead_event(value.replace('"NAME"', HALF).encode(), NOW, NOW)
    assert event.customer_name == "Joe \ufffd"
    assert orjson.loads(bytes(event.metadata)) == {"Joe \ufffd": ["Joe \ufffd"]}


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (rb"\ud83d\ude00", "\U0001f600"),
        (rb"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (rb"\ude00\ud83d", "\ufffd\ufffd"),
        (rb"\uD83Dx", "\ufffdx"),
        (rb"\\ud83d", r"\ud83d"),
        (rb"\\\ud83d", "\\\ufffd"),
    ],
)
def test_only_halves_are_replaced(escaped: bytes, text: str) -> None:
    value = lead(customerName="NAME").replace(b"NAME", escaped)
    assert decode_lead_event(value, NOW, NOW)[0].customer_name == text


@pytest.mark.parametrize(
    ("field", "number", "means"),
    [
        ("amount", "2.0", 2),
        ("amount", "12e2", 1200),
        ("amount", "1.50e1", 15),
        ("amount", "-0.0", 0),
        ("amount", "9223372036854775807.0", 2**63 - 1),
        ("timestamp", f"{NOW}.0", NOW),
        ("timestamp", "1.78e12", NOW),
    ],
)
def test_a_whole_number_may_come_as_a_float(field: str, number: str, means: int) -> None:
    """Exactly: not by way of a double."""
    value = purchase(**{field: "NUMBER"}).replace(b'"NUMBER"', number.encode())
    assert getattr(decode_purchase(value, NOW, NOW)[0], field) == means


def test_a_flag_and_a_quantity_are_whole_numbers_too() -> None:
    assert decode_lead_event(lead(eventQuantity=2.0), NOW, NOW)[0].event_quantity == 2
    assert decode_click(click(qr=1.0, bot=0.0, latitude=2.0), NOW, NOW)[0].qr == 1


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("1.5", Reason.SCHEMA_VIOLATION),
        ('"2"', Reason.SCHEMA_VIOLATION),
        ("1e-1", Reason.SCHEMA_VIOLATION),
        ("1e999999999999", Reason.SCHEMA_VIOLATION),
        ("1e300", Reason.TIMESTAMP_OUT_OF_RANGE),
        ("-1e999999", Reason.TIMESTAMP_OUT_OF_RANGE),
    ],
)
def test_no_other_number_is_a_time(number: str, reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        decode_click(click(timestamp="NUMBER").replace(b'"NUMBER"', number.encode()), NOW, NOW)
    assert refused.value.reason is reason
    assert refused.value.detail.startswith("timestamp: ")


CLICK_TEXTS = (
    *("linkId", "domain", "key", "url", "partnerId", "programId", "tenantId", "linkExternalId"),
    *("continent", "country", "region", "city", "device", "browser", "os", "ua", "referer", "refererUrl"),
    *("ip", "latitude", "longitude", "eventId", "trigger"),
)
LEAD_TEXTS = ("eventId", "customerName", "customerEmail", "customerAvatar", "mode", "externalId")
PURCHASE_TEXTS = ("eventId", "currency", "eventName", "paymentProcessor", "invoiceId", "leadEventName")


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u00a0\u3000"])
def test_a_blank_text_is_absent(blank: str) -> None:
    """Every optional one of every event."""
    blanks = decode_click(click(**dict.fromkeys(CLICK_TEXTS, blank)), NOW, NOW)
    assert blanks == decode_click(click(), NOW, NOW)
    event, _ = decode_lead_event(lead(**dict.fromkeys(LEAD_TEXTS, blank)), NOW, NOW)
    assert [event.event_id, event.customer_name, event.customer_email] == [None] * 3
    assert [event.customer_avatar, event.mode, event.click_id] == [None, None, ""]
    sale, _ = decode_purchase(purchase(**dict.fromkeys(PURCHASE_TEXTS, blank)), NOW, NOW)
    assert [sale.event_id, sale.payment_processor, sale.invoice_id, sale.lead_event_name] == [None] * 4
    assert [sale.currency, sale.event_name] == ["usd", "Purchase"]


@pytest.mark.parametrize("mistake", ["undefined", "NULL", " NaN", "[object Object]\n"])
@pytest.mark.parametrize(
    ("decode", "valid", "names"),
    [
        (decode_click, CLICK, ("clickId", "eventId")),
        (decode_lead_event, LEAD, ("clickId", "eventId", "customerExternalId", "externalId", "customerId")),
        (decode_purchase, PURCHASE, ("invoiceId", "eventId", "customerExternalId")),
    ],
)
def test_no_id_is_what_client_code_makes_of_nothing(
    decode: Decode,
    valid: Fields,
    names: tuple[str, ...],
    mistake: str,
) -> None:
    for field in names:
        with pytest.raises(Refused) as refused:
            decode(orjson.dumps({**valid, field: mistake}), NOW, NOW)
        assert refused.value.reason is Reason.SCHEMA_VIOLATION
        assert refused.value.detail.startswith(f"{field}: ")


@pytest.mark.parametrize("char", ["\x00", "\x1f", "\x7f", "\x85", "\x9f"])
def test_no_id_has_a_control_character(char: str) -> None:
    """Ids are joined with U+001F where one is made of several."""
    for field in ("customerExternalId", "customerId", "clickId", "eventId"):
        with pytest.raises(Refused) as refused:
            decode_lead_event(lead(**{field: f"a{char}b"}), NOW, NOW)
        assert refused.value.detail == f"{field}: has a control character (U+{ord(char):04X})"


@pytest.mark.parametrize("name", ["externalId", "workspaceId", "customerExternalId", "eventId"])
@pytest.mark.parametrize("mistake", ["undefined", "NULL", "NaN"])
def test_whoever_is_stored_can_be_erased(name: str, mistake: str) -> None:
    """A release before this one took such ids, and dead letters of today name people by them."""
    event, _ = decode_erasure(
        orjson.dumps({"workspaceId": "acme", "externalId": "u1", name: mistake}), NOW, NOW
    )
    assert mistake in (event.workspace_id, event.customer, event.event_id)
    event, _ = decode_erasure(orjson.dumps({"workspaceId": "acme", "externalId": "a\x1fb"}), NOW, NOW)
    assert event.customer == "a\x1fb"


@pytest.mark.parametrize(
    ("decode", "valid", "field", "limit"),
    [
        (decode_click, CLICK, "url", 32_000),
        (decode_click, CLICK, "referer", 4_096),
        (decode_click, CLICK, "refererUrl", 4_096),
        (decode_click, CLICK, "ua", 4_096),
        (decode_click, CLICK, "latitude", 64),
        *(
            (decode_click, CLICK, field, 255)
            for field in CLICK_TEXTS
            if field not in ("url", "referer", "refererUrl", "ua", "latitude", "longitude", "trigger")
        ),
        (decode_lead_event, LEAD, "customerEmail", 320),
        (decode_lead_event, LEAD, "customerAvatar", 2_048),
        (decode_purchase, PURCHASE, "invoiceId", 255),
        (decode_purchase, PURCHASE, "leadEventName", 255),
    ],
)
def test_every_text_has_a_limit(decode: Decode, valid: Fields, field: str, limit: int) -> None:
    """In characters."""
    decode(orjson.dumps({**valid, field: "ü" * limit}), NOW, NOW)
    with pytest.raises(Refused) as refused:
        decode(orjson.dumps({**valid, field: "ü" * (limit + 1)}), NOW, NOW)
    assert refused.value.detail == f"{field}: Expected `str` of length <= {limit}"


@pytest.mark.parametrize("kind", [Click, LeadEvent, Purchase, Erasure])
def test_no_field_takes_a_text_of_any_length(kind: type[Event]) -> None:
    """Also one that is added tomorrow."""
    value = {"workspaceId": "w", "clickId": "c", "customerExternalId": "u", "eventName": "e", "amount": 1}
    decoder = Decoder(kind)
    for field in fields(kind):
        with pytest.raises(ValidationError):
            decoder.decode(orjson.dumps(value | {field.encode_name: "9" * 40_000}))


@pytest.mark.parametrize(("given", "means"), [("USD", "usd"), (" Eur ", "eur"), ("", "usd")])
def test_currency(given: str, means: str) -> None:
    assert decode_purchase(purchase(currency=given), NOW, NOW)[0].currency == means


@pytest.mark.parametrize("wrong", ["€€€", "us", "usdt", "u s", "\u212arw", "123"])
def test_what_is_no_currency(wrong: str) -> None:
    with pytest.raises(Refused) as refused:
        decode_purchase(purchase(currency=wrong), NOW, NOW)
    assert refused.value.detail == "currency: expected three letters, as of ISO 4217"


@pytest.mark.parametrize(
    ("metadata", "means"),
    [
        (b'{"a":1,"b":{"c":1,"c":2},"a":3}', b'{"b":{"c":2},"a":3}'),
        (b'{"a.b":1,"a":{"b":2}}', b'{"a":{"b":2}}'),
        (b'{"a":[{"b":1,"b":"x:y"}]}', b'{"a":[{"b":"x:y"}]}'),
        (b'{"a":1e400,"b":-1E+999,"c":1e-400}', b'{"a":"1e400","b":"-1E+999","c":1e-400}'),
        (b'{"a":%s}' % (b"9" * 309), b'{"a":"%s"}' % (b"9" * 309)),
        (b'{ "a" : 1.50, "b.c": "1:2", "b": {"d": []} }', b'{ "a" : 1.50, "b.c": "1:2", "b": {"d": []} }'),
    ],
)
def test_metadata_is_what_every_reader_takes(metadata: bytes, means: bytes) -> None:
    """As it came, unless ClickHouse would not read it: then the last of two counts, and a number is text."""
    event, _ = decode_lead_event(lead()[:-1] + b',"metadata":' + metadata + b"}", NOW, NOW)
    assert bytes(event.metadata) == means


def test_what_was_accepted_stays_readable() -> None:
    """Events wait, and travel between the joins; a release with stricter rules must not lose them."""
    value = lead(customerExternalId="undefined", eventId="a\x1fb", customerEmail="e" * 400, eventQuantity=2.0)
    event, _ = decode_accepted_lead_event(value, NOW, NOW)
    assert isinstance(event, LeadEvent)
    assert (event.customer, event.event_id, event.event_quantity) == ("undefined", "a\x1fb", 2)
    value = purchase(currency="Euros", paymentProcessor="braintree", invoiceId="null")
    sale, _ = decode_accepted_purchase(value, NOW, NOW)
    assert isinstance(sale, Purchase)
    assert (sale.currency, sale.payment_processor, sale.invoice_id) == ("euros", "braintree", "null")
