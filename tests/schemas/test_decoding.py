"""Bytes → event: what is accepted, what is refused, and with which reason."""

import gzip

import orjson
import pytest

from schemas.decoding import (
    MAX_RECORD_BYTES,
    Refused,
    decode_click,
    decode_erasure,
    decode_lead_event,
    decode_purchase,
)
from schemas.reasons import DeadLetterReason as Reason
from schemas.times import DAY_MS, rfc3339

NOW = 1_780_000_000_000
CLICK = {"workspaceId": "acme", "clickId": "c1"}
LEAD = {"workspaceId": "acme", "eventName": "Sign Up", "customerExternalId": "u1"}
PURCHASE = {"workspaceId": "acme", "customerExternalId": "u1", "amount": 100}


def click(**fields: object) -> bytes:
    return orjson.dumps(CLICK | fields)


def lead(**fields: object) -> bytes:
    return orjson.dumps(LEAD | fields)


def purchase(**fields: object) -> bytes:
    return orjson.dumps(PURCHASE | fields)


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        (None, Reason.NOT_JSON, "no value"),
        (b"", Reason.NOT_JSON, "truncated"),
        (b"{", Reason.NOT_JSON, "truncated"),
        (b'{"workspaceId":"w","clickId":"a"} tail', Reason.NOT_JSON, "trailing"),
        (b'{"clickId":"\xff"}', Reason.NOT_JSON, "utf-8"),
        # A field that no rule reads is skipped unread, and must be text all the same.
        (b'{"workspaceId":"w","clickId":"a","other":"\xff"}', Reason.NOT_JSON, "utf-8"),
        (b'{"workspaceId":"w","clickId":NaN}', Reason.NOT_JSON, "malformed"),
        (b'{"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}", Reason.NOT_JSON, "nested"),
        # Read again in other places, on other stacks: the bound is one that every stack has room for.
        (b'{"x":' + b"[" * 400 + b"]" * 400 + b"}", Reason.NOT_JSON, "nested deeper than 400"),
        (b'{"x":' + b"[" * 990, Reason.NOT_JSON, "nested deeper than 400"),
        # It breaks a rule before it turns out to be no JSON.
        (b'{"workspaceId":7,"clickId":', Reason.NOT_JSON, "truncated"),
        (b'{"workspaceId":7} tail', Reason.NOT_JSON, "trailing"),
        (b"[1,2", Reason.NOT_JSON, "truncated"),
        (b"[]", Reason.NOT_AN_OBJECT, "array"),
        (b"9" * 5000, Reason.NOT_AN_OBJECT, ""),
        (b'"text"', Reason.NOT_AN_OBJECT, "str"),
        (b"null", Reason.NOT_AN_OBJECT, "null"),
        (b"7", Reason.NOT_AN_OBJECT, "int"),
        (b" " * (MAX_RECORD_BYTES + 1), Reason.TOO_LARGE, "262145 bytes"),
        (b'{"clickId":"a"}', Reason.SCHEMA_VIOLATION, "workspaceId: required"),
        (click(workspaceId="a b"), Reason.SCHEMA_VIOLATION, "workspaceId: "),
        (click(workspaceId="acme\n"), Reason.SCHEMA_VIOLATION, "workspaceId: "),
        (click(workspaceId="w" * 65), Reason.SCHEMA_VIOLATION, "workspaceId: "),
        (click(clickId="c" * 65), Reason.SCHEMA_VIOLATION, "clickId: "),
        (click(clickId="  "), Reason.SCHEMA_VIOLATION, "clickId: required"),
        (click(clickId=7), Reason.SCHEMA_VIOLATION, "clickId: "),
        (click(trigger="smoke"), Reason.SCHEMA_VIOLATION, "trigger: "),
        (click(qr=2), Reason.SCHEMA_VIOLATION, "qr: "),
        (click(eventId="e" * 256), Reason.SCHEMA_VIOLATION, "eventId: "),
        (
            click(timestamp="2026-01-01T00:00:00"),
            Reason.SCHEMA_VIOLATION,
            "timezone component: add Z or +02:00",
        ),
        (click(timestamp="yesterday"), Reason.SCHEMA_VIOLATION, "as 2026-01-31T12:00:00Z, or a number"),
        (click(timestamp=1_779_000_000.5), Reason.SCHEMA_VIOLATION, "milliseconds are a whole number"),
        (click(timestamp=946_684_799_999), Reason.TIMESTAMP_OUT_OF_RANGE, "1999-12-31T23:59:59.999Z"),
        (click(timestamp=NOW + DAY_MS + 1), Reason.TIMESTAMP_OUT_OF_RANGE, "future"),
        (
            b'{"workspaceId":"w","clickId":"a","timestamp":%s}' % (b"9" * 5000),
            Reason.TIMESTAMP_OUT_OF_RANGE,
            "",
        ),
        (click(timestamp=10**17), Reason.TIMESTAMP_OUT_OF_RANGE, "100000000000000000 ms"),
        (
            b'{"click_id":"c","workspaceId":"w"}',
            Reason.SCHEMA_VIOLATION,
            "(click_id is no field; did you mean",
        ),
    ],
)
def test_refused_click(value: bytes | None, reason: Reason, detail: str) -> None:
    with pytest.raises(Refused) as refused:
        decode_click(value, NOW, NOW)
    assert refused.value.reason is reason
    assert detail in refused.value.detail


def test_a_detail_does_not_repeat_the_whole_record() -> None:
    with pytest.raises(Refused) as refused:
        decode_click(click(trigger="smoke" * 10_000), NOW, NOW)
    assert refused.value.detail.startswith("trigger: Invalid enum value 'smoke")
    assert len(refused.value.detail) == 500


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        (lead(eventName=" "), "eventName: required"),
        (lead(eventName="e" * 256), "eventName: "),
        (lead(customerExternalId="u" * 101), "customerExternalId: "),
        (lead(customerExternalId=" ", externalId=""), "customerExternalId: required"),
        (lead(customerExternalId=7), "customerExternalId: "),
        (lead(mode="later"), "mode: "),
        (lead(customerName="n" * 101), "customerName: "),
        (lead(eventQuantity=0), "eventQuantity: "),
        (lead(eventQuantity=101), "eventQuantity: "),
        (lead(eventQuantity="2"), "eventQuantity: "),
        (lead(metadata=[1]), "metadata: expected an object"),
        (lead(metadata={"k": "v" * 10_000}), "metadata: at most 10000 characters"),
    ],
)
def test_refused_lead_event(value: bytes, detail: str) -> None:
    with pytest.raises(Refused) as refused:
        decode_lead_event(value, NOW, NOW)
    assert refused.value.reason is Reason.SCHEMA_VIOLATION
    assert detail in refused.value.detail


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        (purchase(amount=-1), "amount: "),
        (purchase(amount=1.5), "amount: "),
        (purchase(amount=None), "amount: "),
        (purchase(amount=2**63), "amount: "),
    ],
)
def test_refused_purchase(value: bytes, detail: str) -> None:
    with pytest.raises(Refused) as refused:
        decode_purchase(value, NOW, NOW)
    assert detail in refused.value.detail


@pytest.mark.parametrize(
    ("timestamp", "unit"),
    [
        (NOW // 1000, "seconds"),
        (NOW * 1000, "microseconds"),
        (NOW * 1_000_000, "nanoseconds"),
        # The time of nothing, in no unit; and a date, which has none.
        (5, None),
        ((NOW + 2 * DAY_MS) // 1000, None),
        ("1970-01-21T00:00:00Z", None),
    ],
)
def test_a_time_out_of_range_that_is_one_in_another_unit(timestamp: object, unit: str | None) -> None:
    with pytest.raises(Refused) as refused:
        decode_click(click(timestamp=timestamp), NOW, NOW)
    assert refused.value.reason is Reason.TIMESTAMP_OUT_OF_RANGE
    assert refused.value.detail.partition("(")[2] == (f"{unit}? milliseconds are expected)" if unit else "")


@pytest.mark.parametrize("bound", [946_684_800_000, NOW + DAY_MS])
def test_timestamp_bounds_are_inclusive(bound: int) -> None:
    assert decode_click(click(timestamp=bound), NOW, NOW)[1] == bound


@pytest.mark.parametrize(
    ("timestamp", "at_ms"),
    [
        (1_779_000_000_123, 1_779_000_000_123),
        ("2026-01-01T01:00:00.5+01:00", 1_767_225_600_500),
        ("2026-01-01T00:00:00Z", 1_767_225_600_000),
        (None, NOW - 5),  # the Kafka record's own time
    ],
)
def test_event_time(timestamp: object, at_ms: int) -> None:
    assert decode_click(click(timestamp=timestamp), NOW - 5, NOW)[1] == at_ms


def test_a_record_without_a_time_happened_now() -> None:
    assert decode_click(click(), -1, NOW)[1] == NOW


def test_nulls_and_aliases_as_the_sdks_send_them() -> None:
    value = orjson.dumps(
        {
            "workspaceId": "acme",
            "clickId": None,
            "eventName": " Sign Up ",
            "customerExternalId": None,
            "externalId": " ",
            "customerId": " u1 ",
            "mode": None,
            "customerName": None,
            "eventQuantity": None,
            "metadata": None,
            "unknown": {"deep": [1, 2]},
        }
    )
    event, _ = decode_lead_event(value, NOW, NOW)
    assert (event.click_id, event.event_name, event.customer) == ("", "Sign Up", "u1")
    assert bytes(event.metadata) == b""
    assert not event.deferred
    assert event.topic_key() == b"acme:u1"


def test_topic_keys() -> None:
    assert decode_click(click(clickId=" c1 "), NOW, NOW)[0].topic_key() == b"acme:c1"
    assert decode_lead_event(lead(clickId="c1"), NOW, NOW)[0].topic_key() == b"acme:c1"
    assert decode_lead_event(lead(clickId="  "), NOW, NOW)[0].topic_key() == b"acme:u1"
    assert decode_purchase(purchase(), NOW, NOW)[0].topic_key() == b"acme:u1"
    erasure, _ = decode_erasure(b'{"workspaceId":"acme","customerExternalId":"u1"}', NOW, NOW)
    assert erasure.topic_key() == b"acme:u1"


def test_purchase_defaults() -> None:
    event, _ = decode_purchase(purchase(currency="EUR", eventName="  ", invoiceId=" "), NOW, NOW)
    assert (event.currency, event.event_name, event.invoice_id) == ("eur", "Purchase", None)


def test_rfc3339_has_milliseconds_and_z() -> None:
    assert rfc3339(1_767_225_600_001) == "2026-01-01T00:00:00.001Z"
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        (b"\xef\xbb\xbf" + click(), "begins with a byte-order mark (EF BB BF)"),
        (click().decode().encode("utf-16"), "UTF-16, by its byte-order mark"),
        (click().decode().encode("utf-16-le"), "UTF-16: UTF-8 is expected"),
        (click().decode().encode("utf-16-be"), "UTF-16: UTF-8 is expected"),
        (click().decode().encode("utf-32-be"), "UTF-32: UTF-8 is expected"),
        (b"\x00\x00\x00\x00*" + click(), "the frame of a schema registry (byte 0, then schema id 42)"),
        (gzip.compress(click(), mtime=0), "compressed with gzip by hand"),
        (b"\x28\xb5\x2f\xfd\x00", "compressed with zstd by hand"),
    ],
)
def test_a_detail_names_the_true_cause(value: bytes, detail: str) -> None:
    with pytest.raises(Refused) as refused:
        decode_click(value, NOW, NOW)
    assert refused.value.reason is Reason.NOT_JSON
    assert detail in refused.value.detail
