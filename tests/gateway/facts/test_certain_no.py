"""A "no" that is not certain is not said, whatever is slow or away."""

import asyncio

import pytest
from msgspec.json import encode

from processors.gateway.facts.entries import ClickEntry, Standing
from processors.gateway.facts.recent import Recent
from processors.gateway.known import KnownLink, Uncertain
from tests.gateway.facts.still import NOW_MS, Still

_LINK = KnownLink("link_1", "go.acme.com", "x", "https://acme.com", None, None, None, None)
_CLICK = ClickEntry(NOW_MS - 60_000, True, _LINK)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is waited for for long."""
    monkeypatch.setattr("processors.gateway.facts.seeking.WAIT_S", 0.1)


def _click(click_id: str) -> bytes:
    return encode({"type": "click", "workspaceId": "acme", "clickId": click_id, "timestamp": NOW_MS - 60_000})


def _lead(customer: str, click_id: str | None = None, **fields: object) -> bytes:
    return encode(
        {
            "type": "lead",
            "workspaceId": "acme",
            "eventName": "Sign up",
            "customerExternalId": customer,
            "clickId": click_id,
            "timestamp": NOW_MS,
            **fields,
        }
    )


def _pending() -> Standing:
    return Standing(False, NOW_MS, NOW_MS, "click-1", _CLICK)


def test_what_clickhouse_was_not_done_telling_is_uncertain() -> None:
    async def run() -> None:
        still = Still()
        still.older.before = asyncio.Event().wait
        with pytest.raises(Uncertain):
            await still.facts.customer("acme", "ann")

    asyncio.run(run())


def test_who_came_while_clickhouse_was_asked_again_is_not_nobody() -> None:
    """The second question is under way when patience ends."""

    async def run() -> None:
        still = Still()
        asked = 0

        async def slow() -> None:
            nonlocal asked
            asked += 1
            if asked > 1:
                await asyncio.Event().wait()

        still.older.before = slow
        question = asyncio.create_task(still.facts.customer("acme", "ann"))
        await asyncio.sleep(0.01)
        still.write(_click("click-1"))
        still.write(_lead("ann", "click-1", mode="deferred"))
        with pytest.raises(Uncertain):
            await question

    asyncio.run(run())


def test_a_customer_whose_click_has_fallen_out_of_memory_is_not_nobody() -> None:
    """It was taken as long as the click was there; the sink stands still."""

    async def run() -> None:
        still = Still(limit=8 * 2_000)
        recent = still.memory.recent
        still.write(_click("click-1"))
        number = 0
        while recent.click("acme", "click-1") is not None:
            number += 1
            still.write(_click(f"other-{number}"))
            if number == 8:
                still.write(_lead("ann", "click-1", mode="deferred"))
        assert recent.person("acme", "ann") is not None
        for requested in (False, True):
            with pytest.raises(Uncertain):
                await still.facts.customer("acme", "ann", requested=requested)
        still.older.clicks["click-1"] = _CLICK
        known = await still.facts.customer("acme", "ann")
        assert known is not None
        assert known.click is not None

    asyncio.run(run())


def test_of_nobody_no_is_said_at_once_where_all_that_counts_was_written_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("processors.gateway.facts.seeking.WAIT_S", 3_600)

    async def run() -> None:
        still = Still()
        async with asyncio.timeout(10):
            assert await still.facts.customer("acme", "nobody", requested=True) is None

    asyncio.run(run())


def test_long_texts_count_as_what_they_are() -> None:
    """Addresses may have 32,000 characters, and memory is bounded all the same."""
    recent = Recent(1 << 20)
    long = KnownLink("link_1", "go.acme.com", "x", "https://acme.com/" + "x" * 31_000, None, None, None, None)
    for number in range(100):
        recent.add_standing("acme", f"c{number}", Standing(True, 0, 0, "k", ClickEntry(0, True, long)))
    assert recent.size > 100 * 31_000
