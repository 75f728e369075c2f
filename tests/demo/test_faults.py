"""Traffic with things going wrong: what was valid stays, and what is added has to be refused."""

from collections import Counter

import pytest

from processors.demo import DemoEvent, Faults, generate, with_faults
from processors.demo.faults import MALFORMED
from schemas.decoding import EventDecoder, Refused
from schemas.events import EVENT_TYPES
from schemas.reasons import DeadLetterReason

NOW_MS = 1_764_000_000_000
SIZE = 5_000


def clean() -> list[DemoEvent]:
    return list(generate(SIZE, 1, NOW_MS))


def broken(faults: Faults, seed: int = 1) -> list[DemoEvent]:
    return list(with_faults(generate(SIZE, 1, NOW_MS), faults, seed))


def test_no_faults_change_nothing() -> None:
    assert broken(Faults()) == clean()


def test_same_seed_same_faults() -> None:
    faults = Faults(malformed_share=0.1, duplicate_share=0.1, miskeyed_share=0.1, shuffle_window=50)
    assert broken(faults) == broken(faults)
    assert broken(faults) != broken(faults, seed=2)


def test_shuffling_loses_nothing_and_keeps_to_its_window() -> None:
    shuffled = broken(Faults(shuffle_window=20))
    assert shuffled != clean()
    assert Counter(shuffled) == Counter(clean())


def test_duplicates_are_added() -> None:
    repeated = broken(Faults(duplicate_share=0.1))
    assert 0.08 < len(repeated) / SIZE - 1 < 0.12
    assert set(repeated) == set(clean())


def test_malformed_records_are_added_and_are_refused() -> None:
    records = broken(Faults(malformed_share=0.05))
    added = Counter(records) - Counter(clean())
    assert 0.04 < added.total() / SIZE < 0.06
    for event in added:
        with pytest.raises(Refused):
            EventDecoder(EVENT_TYPES[event.type])(event.value, NOW_MS, NOW_MS)


@pytest.mark.parametrize(
    ("reason", "spoil"), [pytest.param(*one, id=f"{i}-{one[0]}") for i, one in enumerate(MALFORMED)]
)
def test_each_fault_has_its_reason(reason: DeadLetterReason, spoil: object) -> None:
    assert callable(spoil)
    event = clean()[0]
    with pytest.raises(Refused) as refusal:
        EventDecoder(EVENT_TYPES[event.type])(spoil(event.value), NOW_MS, NOW_MS)
    assert refusal.value.reason is reason


def test_miskeyed_events_keep_their_bytes() -> None:
    records = broken(Faults(miskeyed_share=0.2))
    assert [event.value for event in records] == [event.value for event in clean()]
    moved = [(now, was) for now, was in zip(records, clean(), strict=True) if now != was]
    assert 0.17 < len(moved) / SIZE < 0.23
    assert any(now.key is None for now, _ in moved)
    assert any(now.topic is not was.topic for now, was in moved)
