"""Names that are no field: which are taken for a misspelt one, and which are left alone."""

import json

import pytest

from processors.demo import generate
from schemas.close_names import CloseName, CloseNames
from schemas.events import EVENT_TYPES, Click, LeadEvent, Purchase

LEAD = CloseNames(LeadEvent)
CLICK = CloseNames(Click)
PURCHASE = CloseNames(Purchase)


@pytest.mark.parametrize(
    ("of", "name", "field"),
    [
        # Other conventions of writing names.
        (LEAD, "click_id", "clickId"),
        (LEAD, "clickid", "clickId"),
        (LEAD, "ClickID", "clickId"),
        (LEAD, "click-id", "clickId"),
        (LEAD, "event_name", "eventName"),
        (LEAD, "metaData", "metadata"),
        (LEAD, "MODE", "mode"),
        (CLICK, "IP", "ip"),
        # One letter wrong, missing, doubled, swapped.
        (LEAD, "clockId", "clickId"),
        (LEAD, "clikId", "clickId"),
        (LEAD, "cliickId", "clickId"),
        (LEAD, "cilckId", "clickId"),
        (LEAD, "customerExternalID", "customerExternalId"),
        (LEAD, "cutomerExternalId", "customerExternalId"),
        (CLICK, "referrer", "referer"),
        (CLICK, "referrerUrl", "refererUrl"),
        (CLICK, "lattitude", "latitude"),
        (PURCHASE, "ammount", "amount"),
        (PURCHASE, "amuont", "amount"),
        # Names of others.
        (LEAD, "external_id", "externalId"),
        (LEAD, "userId", "customerExternalId"),
        (LEAD, "dub_id", "clickId"),
        (PURCHASE, "currency_code", "currency"),
        (CLICK, "ts", "timestamp"),
        (CLICK, "timestamp_ms", "timestamp"),
        (CLICK, "partner", "partnerId"),
        (LEAD, "customerExternal", "customerExternalId"),
    ],
)
def test_close(of: CloseNames, name: str, field: str) -> None:
    assert of(json.dumps({name: "x"}).encode()) == (CloseName(name, field),)


@pytest.mark.parametrize(
    ("of", "names"),
    [
        (
            LEAD,
            "linkId partnerId model source name email phone customerPhone sessionId requestId uuid id plan",
        ),
        (LEAD, "eventType event_source anonymousId messageId version receivedAt context traits properties"),
        (
            CLICK,
            "county counter content religion regionId deviceId linked regionCode",
        ),
        (
            CLICK,
            "countryCode browserVersion deviceModel osVersion timezone zip",
        ),
        # What Dub knows of a click beside what it calls as we do.
        (
            CLICK,
            "vercel_region identity_hash engine engine_version cpu_architecture device_vendor alias_link_id",
        ),
        (CLICK, "utm_source utm_medium utm_campaign gclid fbclid os_version isp asn"),
        (PURCHASE, "account discount orderId productId price tax total quantity invoiceUrl subscriptionId"),
    ],
)
def test_what_others_may_say_as_well(of: CloseNames, names: str) -> None:
    assert of(json.dumps(dict.fromkeys(names.split(), "x")).encode()) == ()


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        # Said in both ways: nothing is lost.
        ({"click_id": "x", "clickId": "x"}, []),
        ({"customer_id": "17", "customerExternalId": "u1"}, []),
        ({"user_id": "17", "externalId": "u1"}, []),
        # Said in one way, and that is not read.
        ({"click_id": "x", "clickId": ""}, ["clickId"]),
        ({"click_id": "x", "clickId": None}, ["clickId"]),
        ({"click_id": "x", "clickId": " \t"}, ["clickId"]),
        ({"click_id": "x", "clickId": 0}, []),
        ({"click_id": "x", "event_name": "y"}, ["clickId", "eventName"]),
    ],
)
def test_only_of_what_is_missing(document: dict[str, object], fields: list[str]) -> None:
    assert [name.field for name in LEAD(json.dumps(document).encode())] == fields


@pytest.mark.parametrize("document", [b"", b"[]", b"7", b'{"click_id":', b"[" * 100_000])
def test_of_what_is_no_object_nothing_is_said(document: bytes) -> None:
    assert LEAD(document) == ()


def test_what_is_inside_of_metadata_is_nobodys_business() -> None:
    assert LEAD(b'{"clickId":"c","metadata":{"click_id":"x","customer":{"external_id":"y"}}}') == ()


def test_what_is_told_is_ascii_on_one_line_whatever_was_sent() -> None:
    (name,) = LEAD(rb'{"click\r\n,\u202eid":1}')
    assert str(name) == "click%0D%0A%2C%E2%80%AEid is no field; did you mean clickId?"


def test_a_name_without_an_end_is_not_looked_at() -> None:
    assert LEAD(json.dumps({"click" + "_" * 100_000 + "id": 1}).encode()) == ()


def test_of_very_many_names_few_are_looked_at() -> None:
    names = {f"name{number}": 1 for number in range(10_000)}
    assert LEAD(json.dumps({"click_id": 1, **names}).encode()) == (CloseName("click_id", "clickId"),)
    assert LEAD(json.dumps({**names, "click_id": 1}).encode()) == ()


def test_the_demo_has_none() -> None:
    of = {name: CloseNames(kind, ["type"]) for name, kind in EVENT_TYPES.items()}
    for event in generate(3_000, 1, 1_764_000_000_000):
        assert of[json.loads(event.value)["type"]](event.value) == ()
