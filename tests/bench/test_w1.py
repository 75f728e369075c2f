"""W1: what is produced, what has to come out, and the join that every contestant in Python runs."""

from collections.abc import Callable, Iterable
from random import Random

import orjson
import pytest

from bench import w1
from bench.peers import w1join
from bench.record import Record
from bench.verdict import Verdict, judge
from bench.workloads import CustomerJoin

PLAN = w1.plan(2_000)
Join = Callable[[bytes | None, bool, bytes], tuple[bytes | None, bytes | None]]


def joined(records: Iterable[Record], apply: Join = w1join.apply) -> list[bytes]:
    states: dict[bytes, bytes] = {}
    leads = []
    for record in records:
        state, lead = apply(states.get(record.key), record.topic == w1.DEFERRED, record.value)
        if state is not None:
            states[record.key] = state
        if lead is not None:
            leads.append(lead)
    return leads


def verdict(leads: list[bytes]) -> Verdict:
    return judge(w1.leads(PLAN), CustomerJoin.found(leads))


def test_the_traffic_is_what_it_says() -> None:
    events = list(w1.records(PLAN))
    assert events == list(w1.records(w1.plan(2_000)))
    assert len(PLAN.qualified) / 2_000 == pytest.approx(0.6, abs=0.05)
    assert len(events) / (2_000 + len(PLAN.qualified)) == pytest.approx(1.05, abs=0.02)
    assert sum(len(event.value) for event in events) / len(events) == pytest.approx(330, abs=60)
    order: dict[tuple[str, int], int] = {}
    for place, event in enumerate(PLAN.order):
        order.setdefault(event, place)
    early = sum(order[w1.QUALIFIED, who] < order[w1.DEFERRED, who] for who in PLAN.qualified)
    assert early / len(PLAN.qualified) == pytest.approx(0.1, abs=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_the_join_makes_exactly_the_leads_whatever_the_order(seed: int) -> None:
    records = list(w1.records(PLAN))
    Random(seed).shuffle(records)
    assert verdict(joined(records)).good


def test_a_join_that_ignores_early_qualifications_is_found_out() -> None:
    def forgetful(state: bytes | None, is_deferred: bool, value: bytes) -> tuple[bytes | None, bytes | None]:
        return (None, None) if state is None and not is_deferred else w1join.apply(state, is_deferred, value)

    found = verdict(joined(w1.records(PLAN), forgetful))
    assert found.lost > 0
    assert (found.unexpected, found.doubled, found.changed) == (0, 0, 0)


def test_a_lead_with_the_wrong_click_is_found_out() -> None:
    leads = joined(w1.records(PLAN))
    leads[7] = orjson.dumps({**orjson.loads(leads[7]), "clickId": "c0"})
    assert verdict(leads) == Verdict(len(leads), 0, 0, 0, 1)


def test_a_fixed_rate_completes_every_lead_by_its_qualification() -> None:
    plan = w1.paced(500, 20)
    workload = CustomerJoin("w1", plan)
    trigger = workload.triggers()
    places = [trigger(lead) for lead in joined(workload.records())]
    assert len(places) == 500
    assert {kind for _, kind in places} == {"qualified"}
    assert [plan.order[place] for place, _ in places] == [(w1.QUALIFIED, who) for who in range(500)]
