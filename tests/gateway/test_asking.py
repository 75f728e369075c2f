"""Questions to ClickHouse, and what becomes of them when it is not there."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.ports import free_port
from processors.gateway.analytics import calls as analytics
from processors.gateway.answers import TryAgain
from processors.gateway.asking import PAGE_S, Row, Stored, within
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


@pytest.mark.integration
async def test_a_question_may_take_less_than_its_answer_is_waited_for(clickhouse: LocalClickHouse) -> None:
    """What is too much is then told as such."""
    limit = "SELECT toUInt32(getSetting('max_execution_time'))"
    async with stored(clickhouse.url) as store:
        assert (await store.rows_of_page(limit, {}))[0][0] < PAGE_S
        assert (await store.rows(limit, {}))[0][0] < analytics.PATIENCE_S
