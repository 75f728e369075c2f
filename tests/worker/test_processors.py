"""Records in, records out: where each event belongs, and what leaves the two joins."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from processors.attribution.policy import Policy
from processors.engine import Output, Record, Rejected, Unfit
from processors.worker.processors import ClickProcessor, CustomerProcessor
from schemas.decoding import MAX_RECORD_BYTES
from schemas.headers import Headers
from schemas.reasons import DeadLetterReason
from schemas.times import DAY_MS, HOUR_MS
from schemas.topics import Topic

NOW = 1_780_000_000_000
POLICY = Policy("first-click", 90 * DAY_MS, 365 * DAY_MS, DAY_MS)
NAMES = {topic: topic.on("test.") for topic in Topic}


def in_topic(topic: str, value: bytes | None, key: bytes | None = None) -> Record:
    return Record(topic, 0, 0, NOW, key, value)


def joins() -> tuple[ClickProcessor, CustomerProcessor]:
    return ClickProcessor(NAMES, POLICY), CustomerProcessor(NAMES, POLICY)


def record(topic: Topic, **fields: Any) -> Record:
    return in_topic(NAMES[topic], orjson.dumps({"workspaceId": "acme", "timestamp": NOW - HOUR_MS} | fields))


def by_topic(outputs: Sequence[Output]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for output in outputs:
        found.setdefault(output.topic.removeprefix("test."), []).append(orjson.loads(output.value or b"null"))
    return found


CLICK = record(Topic.CLICKS, clickId="c1", linkId="l1", partnerId="p1", domain="acme.link", key="go")
DEFERRED = record(
    Topic.DEFERRED_LEADS, clickId="c1", customerExternalId="u1", eventName="Sign Up", mode="deferred"
)
QUALIFIED = record(Topic.QUALIFICATIONS, clickId="", customerExternalId="u1", eventName="First Meeting")
PURCHASE = record(Topic.PURCHASES, customerExternalId="u1", amount=4900, invoiceId="in_1")


def test_the_story_of_a_lead() -> None:
    clicks, customers = joins()
    topic, key, click = clicks.parse(CLICK, NOW)
    assert (topic, key) == ("test.clicks", b"acme:c1")
    clicked, outputs = clicks.apply(key, None, click, NOW)
    assert outputs == ()

    topic, key, deferred = clicks.parse(DEFERRED, NOW)
    assert (topic, key) == ("test.deferred-leads", b"acme:c1")
    _, touches = clicks.apply(key, clicked, deferred, NOW)
    [touch] = touches
    assert (touch.topic, touch.key) == ("test.touches", b"acme:u1")

    _, key, fact = customers.parse(in_topic(touch.topic, touch.value, touch.key), NOW)
    pending, outputs = customers.apply(key, None, fact, NOW)
    assert [one["status"] for one in by_topic(outputs)["customers"]] == ["pending"]
    assert "leads" not in by_topic(outputs)

    _, key, fact = customers.parse(QUALIFIED, NOW)
    qualified, outputs = customers.apply(key, pending, fact, NOW)
    published = by_topic(outputs)
    assert [one["status"] for one in published["customers"]] == ["qualified"]
    [lead] = published["leads"]
    assert (lead["click"]["id"], lead["link"]["partnerId"], lead["revision"]) == ("c1", "p1", 1)
    headers = dict(next(one.headers for one in outputs if one.topic == "test.leads"))
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_id"] == f"{lead['leadId']}.1".encode()

    _, key, fact = customers.parse(PURCHASE, NOW)
    _, outputs = customers.apply(key, qualified, fact, NOW)
    [sale] = by_topic(outputs)["sales"]
    assert (sale["leadId"], sale["amount"], sale["currency"]) == (lead["leadId"], 4900, "usd")


@pytest.mark.parametrize(
    ("found_in", "event", "belongs_to", "key"),
    [
        (Topic.QUALIFICATIONS, DEFERRED, Topic.DEFERRED_LEADS, b"acme:c1"),
        (Topic.DEFERRED_LEADS, QUALIFIED, Topic.QUALIFICATIONS, b"acme:u1"),
    ],
)
def test_a_lead_event_in_the_other_topic_belongs_elsewhere(
    found_in: Topic, event: Record, belongs_to: Topic, key: bytes
) -> None:
    clicks, customers = joins()
    misplaced = in_topic(NAMES[found_in], event.value)
    parsed = (clicks if found_in is Topic.DEFERRED_LEADS else customers).parse(misplaced, NOW)
    assert parsed[:2] == (NAMES[belongs_to], key)


@pytest.mark.parametrize(
    ("topic", "value", "reason"),
    [
        (Topic.CLICKS, b"{", b"not_json"),
        (Topic.CLICKS, None, b"not_json"),
        (Topic.DEFERRED_LEADS, b"[]", b"not_an_object"),
        (Topic.QUALIFICATIONS, b"{}", b"schema_violation"),
        (Topic.PURCHASES, b'{"workspaceId":"acme","customerExternalId":"u1"}', b"schema_violation"),
        (Topic.ERASURES, b"x" * 300_000, b"too_large"),
        (Topic.TOUCHES, b'{"workspaceId":"acme"}', b"schema_violation"),
        (Topic.TOUCHES, b"\xff", b"not_json"),
        (Topic.CLICK_ERASURES, b"{}", b"schema_violation"),
    ],
)
def test_what_cannot_be_used_is_a_dead_letter(topic: Topic, value: bytes | None, reason: bytes) -> None:
    processor = next(one for one in joins() if NAMES[topic] in one.topics)
    with pytest.raises(Rejected) as rejected:
        processor.parse(in_topic(NAMES[topic], value, b"some key"), NOW)
    [letter] = rejected.value.outputs
    assert (letter.topic, letter.key, letter.value) == ("test.dead-letters", b"some key", value)
    assert dict(letter.headers)["reason"] == reason


@pytest.mark.parametrize(
    ("key", "value", "headers", "origin", "counts"),
    [
        (b"acme:c1", b"{", (), "workspace acme", True),
        (b"other:c1", b'{"workspaceId":"acme"}', (), "workspace acme", True),
        (None, b"{", (), "", True),
        (b"acme:c1", b'{"workspaceId":"other"}' + b" " * MAX_RECORD_BYTES, (), "workspace acme", True),
        (b"acme:c1", b"{", (("attempt", b"1"),), "workspace acme", False),
    ],
    ids=["by the key", "by the value", "of nobody", "too large to be read", "replayed"],
)
def test_the_engine_is_told_whose_dead_letter_it_is(
    key: bytes | None, value: bytes, headers: Headers, origin: str, counts: bool
) -> None:
    """A replayed one is none of the deployment's."""
    clicks, _ = joins()
    with pytest.raises(Rejected) as rejected:
        clicks.parse(replace(in_topic(NAMES[Topic.CLICKS], value, key), headers=headers), NOW)
    assert (rejected.value.origin, rejected.value.counts) == (origin, counts)
    assert rejected.value.why.split(":")[0] in list(DeadLetterReason)


@pytest.mark.parametrize(
    ("unfit", "reason"), [(Unfit.FAILED, b"processing_failed"), (Unfit.TOO_LARGE, b"too_large")]
)
def test_what_the_engine_does_not_let_pass_is_a_dead_letter(unfit: Unfit, reason: bytes) -> None:
    for job in joins():
        [letter] = job.refuse(CLICK, unfit, "KeyError: 'c1'").outputs
        assert (letter.topic, letter.key, letter.value) == ("test.dead-letters", CLICK.key, CLICK.value)
        headers = dict(letter.headers)
        assert (headers["reason"], headers["detail"]) == (reason, b"KeyError: 'c1'")


def test_a_state_of_a_newer_release_is_nothing_against_an_event() -> None:
    """Or a worker that was rolled back would put everybody's events into dead letters."""
    for job in joins():
        with pytest.raises(job.fatal):
            job.load(b"\x7f")


def test_an_event_that_waits_in_vain_is_unmatched() -> None:
    clicks, customers = joins()
    _, key, fact = clicks.parse(DEFERRED, NOW)
    waiting, [told] = clicks.apply(key, None, fact, NOW)
    assert (told.topic, told.key) == ("test.touches", b"acme:u1")
    assert waiting is not None
    assert clicks.due(waiting) == NOW + DAY_MS
    left, [given_up] = clicks.expire(key, waiting, NOW + DAY_MS)
    assert left is None
    _, key, news = customers.parse(in_topic(given_up.topic, given_up.value, given_up.key), NOW)
    unknown, outputs = customers.apply(key, None, news, NOW + DAY_MS)
    assert unknown is None
    [unmatched] = by_topic(outputs)["unmatched"]
    assert unmatched["reason"] == "click_not_found"
    assert unmatched["event"] == orjson.loads(DEFERRED.value or b"")
    assert outputs[0].key == b"acme:c1"

    _, key, event = customers.parse(QUALIFIED, NOW)
    held, _ = customers.apply(key, None, event, NOW)
    assert held is not None
    left_over, outputs = customers.expire(key, held, NOW + DAY_MS)
    assert left_over is None
    assert [one["reason"] for one in by_topic(outputs)["unmatched"]] == ["no_deferred_lead"]
    assert outputs[0].key == b"acme:u1"


def test_an_erasure_reaches_what_waits_for_a_click() -> None:
    clicks, customers = joins()
    _, click_key, fact = clicks.parse(DEFERRED, NOW)
    waiting, [told] = clicks.apply(click_key, None, fact, NOW)
    _, key, news = customers.parse(in_topic(told.topic, told.value, told.key), NOW)
    known, outputs = customers.apply(key, None, news, NOW)
    assert not outputs
    _, _, erasure = customers.parse(record(Topic.ERASURES, customerExternalId="u1"), NOW)
    erased, outputs = customers.apply(key, known, erasure, NOW)
    [to_click] = [one for one in outputs if one.topic == "test.click-erasures"]
    assert to_click.key == click_key == b"acme:c1"
    assert b"u1" not in (to_click.value or b"")

    topic, key_there, forget = clicks.parse(in_topic(to_click.topic, to_click.value, to_click.key), NOW)
    assert (topic, key_there) == ("test.click-erasures", click_key)
    left, outputs = clicks.apply(click_key, waiting, forget, NOW)
    assert left is None
    [unmatched] = by_topic(outputs)["unmatched"]
    assert (unmatched["reason"], unmatched["event"]) == ("suppressed", None)

    # Whatever waits there later is answered in the same way.
    same, outputs = customers.apply(key, erased, news, NOW)
    assert same is erased
    assert [(one.topic, one.key) for one in outputs] == [("test.click-erasures", click_key)]


def test_an_erased_customer_is_forgotten() -> None:
    _, customers = joins()
    _, key, fact = customers.parse(record(Topic.ERASURES, customerExternalId="u1"), NOW)
    erased, outputs = customers.apply(key, None, fact, NOW)
    assert [(one.topic, one.key, one.value) for one in outputs] == [("test.customers", b"acme:u1", None)]
    _, key, late = customers.parse(QUALIFIED, NOW)
    same, outputs = customers.apply(key, erased, late, NOW)
    assert same is erased
    [unmatched] = by_topic(outputs)["unmatched"]
    assert (unmatched["reason"], unmatched["event"]) == ("suppressed", None)


def test_what_was_not_meant_to_the_letter_is_carried_along_as_every_release_reads_it() -> None:
    """Held, in touches and in reports: half a character would end the text of whatever it is put into."""
    clicks, customers = joins()
    value = (DEFERRED.value or b"").replace(b'"deferred"', b'" "')
    value = value.replace(b'"u1"', b'"u1","customerName":"Joe \\ud83d","eventQuantity":2.0,"x":"\\udc00"')
    event = in_topic(NAMES[Topic.DEFERRED_LEADS], value)

    _, key, fact = clicks.parse(event, NOW)
    held, _ = clicks.apply(key, None, fact, NOW)
    assert held is not None
    [given_up] = clicks.expire(key, held, NOW + 2 * DAY_MS)[1]
    _, customer, news = customers.parse(in_topic(given_up.topic, given_up.value), NOW)
    _, outputs = customers.apply(customer, None, news, NOW)
    [report] = by_topic(outputs)["unmatched"]
    assert report["reason"] == "click_not_found"
    assert report["event"]["customerName"] == "Joe \ufffd"
    assert (report["event"]["eventQuantity"], report["event"]["mode"]) == (2, None)

    _, key, click = clicks.parse(CLICK, NOW)
    _, touches = clicks.apply(key, held, click, NOW)
    [touch] = touches
    _, customer, news = customers.parse(in_topic(touch.topic, touch.value), NOW)
    _, outputs = customers.apply(customer, None, news, NOW)
    [lead] = by_topic(outputs)["leads"]
    assert (lead["customer"]["name"], lead["quantity"]) == ("Joe \ufffd", 2)


def test_a_report_has_the_event_as_it_came() -> None:
    _, customers = joins()
    value = (PURCHASE.value or b"")[:-1] + b',"other":[{"a":1,"a":-1e999}],"amount":5}'
    _, key, fact = customers.parse(in_topic(NAMES[Topic.PURCHASES], value), NOW)
    held, _ = customers.apply(key, None, fact, NOW)
    assert held is not None
    [report] = customers.expire(key, held, NOW + 2 * DAY_MS)[1]
    assert b'"event":' + value in (report.value or b"")


def test_a_blank_text_of_a_click_says_nothing() -> None:
    """Neither in a lead, nor against another event of the same click."""
    clicks, _ = joins()
    state = None
    for blank in ({"country": " ", "city": ""}, {"city": None}, {"country": "", "url": "\n"}):
        _, key, click = clicks.parse(record(Topic.CLICKS, clickId="c1", partnerId="p1", **blank), NOW)
        state, outputs = clicks.apply(key, state, click, NOW)
        assert outputs == ()
    _, key, deferred = clicks.parse(DEFERRED, NOW)
    [touch] = clicks.apply(key, state, deferred, NOW)[1]
    click = orjson.loads(touch.value or b"")["click"]
    assert (click["partnerId"], click.keys() & {"country", "city", "url"}) == ("p1", set())


def test_a_blank_name_never_beats_a_real_one() -> None:
    _, customers = joins()
    state = None
    for name in ("", " ", "Ann"):
        event = record(Topic.QUALIFICATIONS, customerExternalId="u1", eventName="Sign Up", customerName=name)
        _, key, fact = customers.parse(event, NOW)
        state, _ = customers.apply(key, state, fact, NOW)
    assert state is not None
    assert state.name == (NOW - HOUR_MS, "Ann")
