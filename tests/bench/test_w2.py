"""W2's core: the joins of the peers in Python make the leads of the reference model."""

from collections import deque
from collections.abc import Iterable
from random import Random

import pytest

from bench.peers import w2join
from bench.record import Record
from bench.verdict import judge
from bench.workloads import Core
from schemas.topics import Topic

NOW_MS = 1_760_000_000_000


@pytest.fixture(scope="module")
def core() -> Core:
    return Core(8_000, NOW_MS)


def joined(records: Iterable[Record]) -> list[bytes]:
    clicks: dict[bytes, bytes] = {}
    customers: dict[bytes, bytes] = {}
    leads: list[bytes] = []
    for record in records:
        if record.topic == Topic.QUALIFICATIONS:
            state, made = w2join.on_qualified(customers.get(record.key), record.value)
            _put(customers, record.key, state)
            leads += made
            continue
        apply = w2join.on_click if record.topic == Topic.CLICKS else w2join.on_signed_up
        state, touches = apply(clicks.get(record.key), record.value)
        _put(clicks, record.key, state)
        for key, touch in touches:
            state, made = w2join.on_touch(customers.get(key), touch)
            _put(customers, key, state)
            leads += made
    return leads


def _put(states: dict[bytes, bytes], key: bytes, state: bytes | None) -> None:
    if state is not None:
        states[key] = state


def test_in_the_order_of_the_traffic(core: Core) -> None:
    verdict = judge(core.leads(), core.found(joined(core.records())))
    assert verdict.good, verdict
    assert verdict.expected > 200


@pytest.mark.parametrize("seed", range(3))
def test_in_any_order(core: Core, seed: int) -> None:
    records = deque(core.records())
    Random(seed).shuffle(records)
    verdict = judge(core.leads(), core.found(joined(records)))
    assert verdict.good, verdict
