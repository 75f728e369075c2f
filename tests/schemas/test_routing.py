"""Where an event belongs that says its own type, and what is no event."""

import json

import pytest

from schemas.decoding import Refused
from schemas.routing import place_of
from schemas.topics import Topic

NOW_MS = 1_764_000_000_000
CLICK = {"type": "click", "workspaceId": "acme", "clickId": "c1"}
LEAD = {"type": "lead", "workspaceId": "acme", "eventName": "Sign Up", "customerExternalId": "u1"}
PURCHASE = {"type": "purchase", "workspaceId": "acme", "customerExternalId": "u1", "amount": 5}
ERASURE = {"type": "erasure", "workspaceId": "acme", "externalId": "u1"}
OF_REWARD = {"workspaceId": "acme", "customerExternalId": "u1", "eventId": "e1", "rewardId": "rw_" + "0" * 32}
REFUND = {**PURCHASE, "type": "refund", "eventId": "e1", "invoiceId": "in_1"}


@pytest.mark.parametrize(
    ("event", "topic", "key"),
    [
        (CLICK, Topic.CLICKS, b"acme:c1"),
        ({**LEAD, "clickId": "c1"}, Topic.DEFERRED_LEADS, b"acme:c1"),
        ({**LEAD, "clickId": "c1", "mode": "deferred"}, Topic.DEFERRED_LEADS, b"acme:c1"),
        ({**LEAD, "clickId": ""}, Topic.QUALIFICATIONS, b"acme:u1"),
        ({**LEAD, "clickId": None}, Topic.QUALIFICATIONS, b"acme:u1"),
        (LEAD, Topic.QUALIFICATIONS, b"acme:u1"),
        (PURCHASE, Topic.PURCHASES, b"acme:u1"),
        (ERASURE, Topic.ERASURES, b"acme:u1"),
        (REFUND, Topic.REWARD_EVENTS, b"acme:u1"),
        *(
            ({**OF_REWARD, "type": kind}, Topic.REWARD_EVENTS, b"acme:u1")
            for kind in ("hold", "release", "cancel")
        ),
    ],
)
def test_each_event_has_its_place(event: dict[str, object], topic: Topic, key: bytes) -> None:
    assert place_of(json.dumps(event).encode(), NOW_MS) == (topic, key, event["type"])


def test_half_a_character_and_whole_floats_have_their_place() -> None:
    """As with the worker."""
    line = json.dumps({**LEAD, "customerName": "Joe \ud83d", "eventQuantity": 2.0, "mode": " "}).encode()
    assert b"\\ud83d" in line
    assert place_of(line, NOW_MS).key == b"acme:u1"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"nonsense", "not_json: "),
        (b'{"type":"click"', "not_json: "),
        (b'"click"', "not_an_object: "),
        (b"[]", "not_an_object: "),
        (b"\xef\xbb\xbf" + json.dumps(CLICK).encode(), "not_json: begins with a byte-order mark"),
        (json.dumps(CLICK).encode("utf-16"), "not_json: UTF-16"),
        (json.dumps({**LEAD, "customerId": "NaN"}).encode(), "schema_violation: customerId: "),
        (b"{}", "schema_violation: type: required"),
        (b'{"type":"sale"}', "schema_violation: type: Invalid enum value 'sale'"),
        (b'{"type":7}', "schema_violation: type: Expected `str`, got `int`"),
        (b'{"type":"click","workspaceId":"acme"}', "schema_violation: clickId: required"),
        (b'{"type":"click","workspaceId":"a b","clickId":"c"}', "schema_violation: workspaceId: "),
        (json.dumps({**CLICK, "timestamp": 5}).encode(), "timestamp_out_of_range: timestamp: "),
        (json.dumps({**PURCHASE, "amount": -1}).encode(), "schema_violation: amount: "),
        (json.dumps({**REFUND, "amount": 0}).encode(), "schema_violation: amount: "),
        (json.dumps({**CLICK, "pad": "x" * 300_000}).encode(), "too_large: "),
    ],
)
def test_what_is_no_event_is_refused(line: bytes, told: str) -> None:
    with pytest.raises(Refused) as refusal:
        place_of(line, NOW_MS)
    assert str(refusal.value).startswith(told)
