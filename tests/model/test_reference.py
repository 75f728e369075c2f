"""The model itself: what it reads, what it refuses to promise, and that it is fast enough to be an oracle."""

from collections.abc import Callable, Sequence
from time import process_time

import orjson
import pytest

from processors.attribution.policy import Policy
from processors.audit.model.arrivals import Arrived, TopicRecord, read, read_all
from processors.audit.model.by_arrival import ArrivalModel
from processors.audit.model.outcome import Outcome
from processors.audit.model.reference import ReferenceModel
from schemas.reasons import DeadLetterReason
from schemas.times import DAY_MS
from schemas.topics import Topic
from tests.attribution.builders import HOLD, T0, arrived, click, deferred, lead, policy, purchase
from tests.model.simulate import Record

DEFAULT = Policy("first-click", 90 * DAY_MS, 365 * DAY_MS, DAY_MS)


def test_refused_records_are_reported_with_their_place_and_reason() -> None:
    good = orjson.dumps({"workspaceId": "w1", "clickId": "c1", "timestamp": T0})
    reading = read_all(
        [
            TopicRecord(Topic.CLICKS, good, T0),
            TopicRecord(Topic.CLICKS, b"{", T0),
            TopicRecord(Topic.CLICKS, None, T0),
            TopicRecord(Topic.PURCHASES, b"[]", T0),
            TopicRecord(Topic.PURCHASES, good, T0),
            TopicRecord(Topic.CLICKS, b" " * 300_000, T0),
            TopicRecord(Topic.CLICKS, good, T0 - 2 * DAY_MS),
        ]
    )
    assert [one.at_ms for one in reading.events] == [T0]
    assert [(one.position, one.reason) for one in reading.refused] == [
        (1, DeadLetterReason.NOT_JSON),
        (2, DeadLetterReason.NOT_JSON),
        (3, DeadLetterReason.NOT_AN_OBJECT),
        (4, DeadLetterReason.SCHEMA_VIOLATION),
        (5, DeadLetterReason.TOO_LARGE),
        (6, DeadLetterReason.TIMESTAMP_OUT_OF_RANGE),
    ]


def test_an_event_without_a_time_takes_its_record_s() -> None:
    value = orjson.dumps({"workspaceId": "w1", "clickId": "c1"})
    assert read(TopicRecord(Topic.CLICKS, value, T0)).at_ms == T0
    assert read(TopicRecord(Topic.CLICKS, value, -1), now_ms=T0 + 5).at_ms == T0 + 5


@pytest.mark.parametrize("topic", [Topic.DEFERRED_LEADS, Topic.QUALIFICATIONS])
def test_lead_events_count_from_either_topic(topic: Topic) -> None:
    records = [click("c1", 0), deferred("c1", 10), lead(70)]
    moved = [records[0], *(Record(topic, one.value, one.timestamp) for one in records[1:])]
    model = ReferenceModel(policy())
    assert model.compute(arrived(moved)) == model.compute(arrived(records))


CONTESTED = [
    # An earlier deferred lead moves the touch out of the qualification window of the request.
    pytest.param([click("c1", 0), deferred("c1", 100), deferred("c1", 5), lead(300)], True, id="moved touch"),
    # ... and here it does not: the request is within the window of both.
    pytest.param([click("c1", 0), deferred("c1", 100), deferred("c1", 5), lead(205)], False, id="kept touch"),
    # Until the earlier click arrives, there is a touch.
    pytest.param(
        [click("c1", 5), click("c1", 0, trackConversion=False), lead(9, click_id="c1")], True, id="click"
    ),
    # Until the earlier purchase arrives, there is a sale.
    pytest.param(
        [click("c1", 0), lead(50, click_id="c1"), purchase(60, invoiceId="i"), purchase(-1, invoiceId="i")],
        True,
        id="purchase before its lead",
    ),
    # Two purchases of one invoice after the lead: whichever comes first, the earlier ends up as the sale.
    pytest.param(
        [click("c1", 0), lead(50, click_id="c1"), purchase(60, invoiceId="i"), purchase(70, invoiceId="i")],
        False,
        id="purchases after their lead",
    ),
    # More requests than may wait.
    pytest.param([lead(at) for at in range(101)], True, id="bound"),
]


@pytest.mark.parametrize(("records", "contested"), CONTESTED)
def test_where_order_shows_the_model_says_so(records: list[Record], contested: bool) -> None:
    assert bool(ReferenceModel(policy()).compute(arrived(records)).contested) == contested


def test_what_is_contested_is_left_out_of_what_is_certain() -> None:
    records = [click("c1", 0), deferred("c1", 10), lead(70), lead(70, customerExternalId="bob", clickId="c1")]
    outcome = ReferenceModel(policy()).compute(arrived(records))
    assert len(outcome.certain().leads) == 2
    assert {one.customer.external_id for one in outcome.certain([("w1", "ann")]).leads.values()} == {"bob"}
    assert outcome.certain([("w1", "ann")]).customers.keys() == {("w1", "bob")}


def test_both_models_agree_when_all_arrives_within_the_hold() -> None:
    records = [purchase(80), lead(70), deferred("c1", 10), click("c1", 0), deferred("c2", 5), lead(9, "Demo")]
    events = arrived(records)
    batch, one_by_one = ReferenceModel(policy()).compute(events), ArrivalModel(policy()).compute(events)
    assert batch == one_by_one
    assert batch.leads


def test_a_lead_that_came_after_a_hold_can_leave_a_replaced_purchase_without_one() -> None:
    """Only the arrivals tell: had all come within the hold, the first request would have made the lead."""
    first = arrived([lead(2), click("c1", 0)], T0)
    later = arrived([deferred("c1", 10), lead(10), purchase(110, invoiceId="i1")], T0 + HOLD)
    outcome = ArrivalModel(policy()).compute([*first, *later])
    assert (len(outcome.leads), len(outcome.sales), outcome.contested) == (1, 1, set())
    replacing = arrived([purchase(-41, invoiceId="i1")], T0 + HOLD)
    assert ArrivalModel(policy()).compute([*first, *later, *replacing]).contested == {("w1", "ann")}


def test_the_model_is_fast_enough_to_be_an_oracle() -> None:
    """50,000 events of 10,000 customers: nothing may be quadratic in their number."""

    def customers(size: int) -> list[Record]:
        found = []
        for number in range(size):
            who = f"customer{number}"
            found += [
                click(f"c{number}", number),
                deferred(f"c{number}", number + 10, customerExternalId=who),
            ]
            found += [lead(number + at, name, customerExternalId=who) for at, name in ((70, "A"), (80, "B"))]
            found += [purchase(number + 90, customerExternalId=who)]
        return found

    outcome = _in_linear_time(DEFAULT, customers, 10_000)
    assert (len(outcome.leads), len(outcome.sales), outcome.unmatched) == (20_000, 10_000, set())


def test_a_busy_customer_and_a_busy_click_are_no_trap() -> None:
    """Thousands of events under one key, as a load test or a shared clickId makes them."""

    def crowded(size: int) -> list[Record]:
        found = [click("c1", 0), deferred("c1", 10)]
        found += [lead(70 + at, "Demo", customerName=f"name{at}") for at in range(size)]
        found += [purchase(90 + at, eventId=f"e{at}") for at in range(size)]
        found += [deferred("c1", 20, customerExternalId=f"customer{number}") for number in range(size)]
        return found

    outcome = _in_linear_time(policy(), crowded, 3_000)
    assert (len(outcome.leads), len(outcome.sales), len(outcome.customers)) == (1, 3_000, 3_001)


def _in_linear_time(rules: Policy, records: Callable[[int], list[Record]], size: int) -> Outcome:
    """Of ``size`` of them. Ten times as many may take thirty times as long; by squares it were a hundred."""

    def timed(events: Sequence[Arrived]) -> tuple[float, Outcome]:
        started = process_time()
        outcome = ReferenceModel(rules).compute(events)
        return process_time() - started, outcome

    tenth, all_of_them = arrived(records(size // 10)), arrived(records(size))
    of_a_tenth = min(timed(tenth)[0] for _ in range(3))
    took, outcome = timed(all_of_them)
    assert took < 3 * 10 * of_a_tenth
    return outcome
