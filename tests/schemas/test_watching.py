"""Events judged for their sender: as a worker would, and with an eye on names."""

import json

import pytest

from schemas.close_names import CloseName
from schemas.decoding import Refused
from schemas.events import EVENT_TYPES
from schemas.routing import place_of
from schemas.topics import Topic
from schemas.watching import Judge

NOW = 1_780_000_000_000
CLICK: dict[str, object] = {"type": "click", "workspaceId": "acme", "clickId": "c1"}
LEAD: dict[str, object] = {
    "type": "lead",
    "workspaceId": "acme",
    "eventName": "Sign Up",
    "customerExternalId": "u1",
}
PURCHASE: dict[str, object] = {
    "type": "purchase",
    "workspaceId": "acme",
    "customerExternalId": "u1",
    "amount": 2.0,
}
ERASURE: dict[str, object] = {"type": "erasure", "workspaceId": "acme", "customerExternalId": "u1"}


def line(*members: dict[str, object], **more: object) -> bytes:
    return json.dumps({name: value for one in (*members, more) for name, value in one.items()}).encode()


REFUND: dict[str, object] = {**PURCHASE, "type": "refund", "eventId": "e1", "invoiceId": "in_1"}
OF_REWARD: dict[str, object] = {**ERASURE, "eventId": "e1", "rewardId": "rw_" + "0" * 32}
EVENTS: dict[str, dict[str, object]] = {
    "click": CLICK,
    "lead": LEAD,
    "purchase": PURCHASE,
    "erasure": ERASURE,
    "refund": REFUND,
    **{kind: {**OF_REWARD, "type": kind} for kind in ("hold", "release", "cancel")},
}


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_as_a_worker_would_whatever_came_before(event: dict[str, object]) -> None:
    judge = Judge()
    for value in (line(event), line(event, other=1), line(event, other=1), line(event), line(event)):
        assert judge(value, NOW) == (place_of(value, NOW), ())


def test_a_misspelt_field_goes_elsewhere_and_is_named() -> None:
    judge = Judge()
    for _ in range(3):
        judged = judge(line(LEAD, click_id="c1"), NOW)
        assert judged.place.topic is Topic.QUALIFICATIONS
        assert judged.close == (CloseName("click_id", "clickId"),)
        assert judge(line(LEAD, clickId="c1"), NOW).place.topic is Topic.DEFERRED_LEADS


@pytest.mark.parametrize(
    "value",
    [b"", b"[]", b"{", line(type="smoke"), line(CLICK, clickId=7), line(CLICK, timestamp=7), b"x" * 300_000],
)
def test_what_is_refused_is_refused_in_the_same_words(value: bytes) -> None:
    judge = Judge()
    with pytest.raises(Refused) as expected:
        place_of(value, NOW)
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            judge(value, NOW)
        assert str(refused.value) == str(expected.value)


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_the_type_of_those_that_say_none(kind: str) -> None:
    untyped = {name: value for name, value in EVENTS[kind].items() if name != "type"}
    judge = Judge(kind)
    assert judge(line(untyped), NOW).place == place_of(line(EVENTS[kind]), NOW)
    assert judge(line(untyped, type=None), NOW).place.type == kind
    for name, event in EVENTS.items():
        assert judge(line(event), NOW).place.type == name


@pytest.mark.parametrize("value", [b"[]", b"{", line(type=7), line(type="smoke"), b"x" * 300_000])
def test_what_is_refused_though_a_type_is_given(value: bytes) -> None:
    with pytest.raises(Refused):
        Judge("lead")(value, NOW)
