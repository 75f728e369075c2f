"""What is listed as waiting, of the changes of states that a changelog has."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest

from processors.attribution import click_join, customer_join
from processors.kafka.connection import KafkaRefused
from processors.people import waiting
from processors.people.traced import HeldEvents
from processors.settings import Settings
from processors.worker.processors import CLICKS_TABLE, CUSTOMERS_TABLE
from schemas.times import DAY_MS
from tests.attribution.builders import T0, click, deferred, lead, network
from tests.model.simulate import Record

Written = Sequence[tuple[bytes, bytes | None]]


def states(*records: Record) -> Mapping[bytes, bytes]:
    """Of clicks and customers after these, by key."""
    system = network()
    system.run(records)
    return {**system.clicks, **system.customers}


def listed(
    monkeypatch: pytest.MonkeyPatch,
    clicks: Written,
    customers: Written = (),
    most: int = 9,
    most_kept: int = 9,
) -> HeldEvents:
    async def due_states(
        settings: Settings, _: str, table: str, prefix: bytes, since_ms: int, __: object
    ) -> AsyncIterator[tuple[bytes, bytes | None]]:
        assert (prefix, since_ms) == (b"w1:", T0 - settings.hold - DAY_MS)
        for one in {CLICKS_TABLE: clicks, CUSTOMERS_TABLE: customers}[table]:
            yield one

    monkeypatch.setattr(waiting, "due_states", due_states)
    found = waiting.held_events(Settings(), "w1", T0, most, lambda _, __: None, most_kept)
    return asyncio.run(found)


def test_of_one_key_the_last_change_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    [(key, held)] = [one for one in states(deferred("c1", 10)).items() if one[0] == b"w1:c1"]
    once = listed(monkeypatch, [(key, held)])
    assert [one.click_id for one in once.events] == ["c1"]
    assert (once.reasons, once.complete) == ({"click_not_found": 1}, True)
    assert listed(monkeypatch, [(key, None), (key, held)]) == once
    assert listed(monkeypatch, [(key, held), (key, None)]).events == []
    # It is due only because it is to be told that a click has not come: nothing of it waits itself.
    told = states(deferred("c1", 10))[b"w1:ann"]
    assert listed(monkeypatch, [], [(b"w1:ann", told)]).reasons == {}


def test_the_soonest_to_be_given_up_and_how_many_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    clicks = [(f"w1:c{one}".encode(), states(deferred(f"c{one}", 10))[f"w1:c{one}".encode()]) for one in "12"]
    customer = states(lead(70))[b"w1:ann"]
    found = listed(monkeypatch, clicks, [(b"w1:ann", customer)], most=2)
    assert len(found.events) == 2
    assert found.reasons == {"click_not_found": 2, "no_deferred_lead": 1}


def test_more_than_one_look_keeps_in_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    held = states(deferred("c1", 10))[b"w1:c1"]
    written = [(b"w1:c%d" % number, held) for number in range(3)]
    found = listed(monkeypatch, [*written, (b"w1:c0", held)], most_kept=2)
    assert (found.reasons, found.complete) == ({"click_not_found": 2}, False)
    # What has ended since makes room, but not for what was passed over.
    ended = listed(monkeypatch, [*written, (b"w1:c0", None)], most_kept=2)
    assert (ended.reasons, ended.complete) == ({"click_not_found": 1}, False)
    assert listed(monkeypatch, written[:2], most_kept=2).complete


def test_it_is_events_that_take_room(monkeypatch: pytest.MonkeyPatch) -> None:
    held = states(deferred("c1", 10), deferred("c1", 20, "Another"))[b"w1:c1"]
    assert listed(monkeypatch, [(b"w1:c1", held)], most_kept=2).reasons == {"click_not_found": 2}
    found = listed(monkeypatch, [(b"w1:c1", held)], most_kept=1)
    assert (found.events, found.reasons, found.complete) == ([], {}, False)


@pytest.mark.parametrize("module", [click_join, customer_join])
def test_a_state_of_a_newer_release_is_no_bug(module: object, monkeypatch: pytest.MonkeyPatch) -> None:
    newer: Written = [(b"w1:c1", b"\x7f")]
    clicks, customers = (newer, ()) if module is click_join else ((), newer)
    with pytest.raises(KafkaRefused, match="written by a newer release"):
        listed(monkeypatch, clicks, customers)


def test_what_has_found_its_click_waits_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    found = states(click("c1", 0), deferred("c1", 10))
    assert listed(monkeypatch, [(b"w1:c1", found[b"w1:c1"])], [(b"w1:ann", found[b"w1:ann"])]).events == []
