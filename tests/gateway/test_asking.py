"""Questions to ClickHouse, and what becomes of them when it is not there."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.ports import free_port
from processors.gateway.analytics import calls as analytics
from processors.gateway.answers import TryAgain
from processors.gateway.asking import PAGE_S, WHOLE_PAGE_S, Row, Stored, within
from processors.gateway.dashboard.cards import Card, Failure, card
from processors.settings import Settings
from tests.gateway.stored import stored


@pytest.mark.integration
async def test_questions_are_answered_side_by_side(clickhouse: LocalClickHouse) -> None:
    async with stored(clickhouse.url) as store:
        asked = (store.rows("SELECT {n:UInt8}, 'a'", {"n": number}) for number in range(5))
        assert [tuple(rows[0]) for rows in await asyncio.gather(*asked)] == [(n, "a") for n in range(5)]


@pytest.mark.integration
async def test_what_cannot_be_answered_may_be_asked_again(clickhouse: LocalClickHouse) -> None:
    async with stored(clickhouse.url) as store:
        with pytest.raises(TryAgain):
            await store.rows("SELECT * FROM nothing_of_this_name", {})
        assert await store.rows("SELECT 1", {})


async def test_nobody_waits_longer_than_told() -> None:
    async def never(_: str, __: Mapping[str, object]) -> Sequence[Row]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(TryAgain):
        await within(0.01, never)("SELECT 1", {})


async def test_without_a_server() -> None:
    async with stored(f"http://127.0.0.1:{free_port()}/leadstream") as store:
        with pytest.raises(TryAgain) as refused:
            await store.rows("SELECT 1", {})
    assert refused.value.headers["Retry-After"] == "1"
    assert "127.0.0.1" not in refused.value.message


async def test_strangers_keep_nobody_of_the_workspace_waiting() -> None:
    asked = list[str]()

    class Silent:
        async def get(self) -> "Silent":
            return self

        async def query(self, sql: str, **_: object) -> None:
            asked.append(sql)
            await asyncio.Event().wait()

    store, acme = Stored(Settings()), {"workspace": "acme"}
    store._client = Silent()  # type: ignore[assignment]
    async with asyncio.TaskGroup() as asking:
        strangers = [asking.create_task(store.rows_of_shared("theirs", acme)) for _ in range(10)]
        own = asking.create_task(store.rows_of_page("ours", acme))
        for _ in range(5):
            await asyncio.sleep(0)
        for one in [*strangers, own]:
            one.cancel()
    assert asked == ["theirs", "theirs", "ours"]


class Clock:
    """Of the running loop, as the test moves it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self._now = loop.time()
        monkeypatch.setattr(loop, "time", lambda: self._now)

    async def move(self, seconds: float) -> None:
        self._now += seconds
        await settled()


class Slow:
    """A store that answers when it is told to; questions by what they are, in the order of coming."""

    def __init__(self) -> None:
        self.asked: dict[str, asyncio.Future[None]] = {}

    async def get(self) -> "Slow":
        return self

    async def query(self, sql: str, **_: object) -> "Answered":
        await self.asked.setdefault(sql, asyncio.get_running_loop().create_future())
        return Answered([(sql,)])


class Answered(NamedTuple):
    result_rows: Sequence[Row]


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_page_does_not_pay_for_the_turns_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its patience begins with its turn, be it ever so late."""
    clock, slow, store = Clock(monkeypatch), Slow(), Stored(Settings())
    store._client = slow  # type: ignore[assignment]

    def numbers(name: str, workspace: str) -> asyncio.Task[Card[Sequence[Row]]]:
        return asyncio.create_task(card(store.rows_of_page(name, {"workspace": workspace})))

    others = [asyncio.create_task(store.rows(name, {"workspace": name[0]})) for name in ("g1", "g2", "h1")]
    patient, slower, last = (numbers(name, f"w{name}") for name in ("patient", "slower", "last"))
    await settled()
    assert [*slow.asked] == ["g1", "g2", "h1"]
    await clock.move(PAGE_S + 1)
    slow.asked["g1"].set_result(None)
    slow.asked["g2"].set_result(None)
    await clock.move(0)
    assert [*slow.asked][3:] == ["patient", "slower"]
    await clock.move(PAGE_S - 0.5)
    slow.asked["patient"].set_result(None)
    await settled()
    assert patient.result().found == [("patient",)]
    await clock.move(1)
    assert slower.result().failure == Failure()
    # It has had its turn for half a second less than that.
    slow.asked["last"].set_result(None)
    await settled()
    assert last.result().found == [("last",)]
    slow.asked["h1"].set_result(None)
    await asyncio.gather(*others)


async def test_a_number_that_has_no_turn_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, slow, store = Clock(monkeypatch), Slow(), Stored(Settings())
    store._client = slow  # type: ignore[assignment]
    others = [asyncio.create_task(store.rows(name, {"workspace": name})) for name in ("g", "h", "i")]
    await settled()
    waiting = asyncio.create_task(card(store.rows_of_page("ours", {"workspace": "acme"})))
    await settled()
    await clock.move(WHOLE_PAGE_S - 1)
    assert not waiting.done()
    await clock.move(2)
    assert waiting.result().failure == Failure(busy=True)
    for one in slow.asked.values():
        one.set_result(None)
    await asyncio.gather(*others)
    assert "ours" not in slow.asked


@pytest.mark.integration
async def test_a_question_may_take_less_than_its_answer_is_waited_for(clickhouse: LocalClickHouse) -> None:
    """What is too much is then told as such."""
    limit = "SELECT toUInt32(getSetting('max_execution_time'))"
    async with stored(clickhouse.url) as store:
        assert (await store.rows_of_page(limit, {}))[0][0] < PAGE_S
        assert (await store.rows(limit, {}))[0][0] < analytics.PATIENCE_S
