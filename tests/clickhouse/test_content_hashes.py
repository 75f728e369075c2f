"""What a release without content hashes has stored of clicks is shown once, whatever comes of them again."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from deploy.local.clickhouse import LocalClickHouse
from processors.clickhouse.content_hashes import add_content_hashes
from processors.clickhouse.migrations import bring_up_to_date
from processors.settings import Settings
from processors.sink.click_rows import CLICK_COLUMNS
from processors.sink.tables import CLICKS
from schemas.clicks import content_hash, kept_of
from schemas.decoding import decode_click
from tests.clickhouse.database import Database, fresh_database
from tests.sink.records import T0, click, record
from tests.sink.test_clicks_by_time import NUMBERS, chosen, deliver, sent, shown
from tests.sink.worker_side import reports

pytestmark = pytest.mark.integration

_HASH = CLICK_COLUMNS.index("content_hash")
_CONTENTS: Sequence[dict[str, Any]] = (
    {},
    {"country": " ", "url": "https://example.com/ü", "trackConversion": False, "qr": True, "ip": "192.0.2.1"},
    {"linkId": "l", "domain": "d", "key": "k", "partnerId": "p", "programId": "g", "tenantId": "t"},
    {"linkExternalId": "e", "continent": "EU", "country": "DE", "region": "BE", "city": "B", "bot": False},
    {"device": "Mobile", "browser": "b", "os": "o", "referer": "r", "refererUrl": "u", "trigger": "qr"},
    {"latitude": 1.5, "longitude": "2", "ua": "agent", "eventId": "an event"},
)


@pytest.fixture(scope="module")
def shared(clickhouse: LocalClickHouse) -> Iterator[Database]:
    with fresh_database(clickhouse.url) as database:
        yield database


def clicks_of(workspace: str) -> list[ConsumerRecord]:
    """One of each content, at a time of its own."""
    return [
        record("clicks", click(f"k{place}", T0 - place, workspaceId=workspace, **more), offset=place)
        for place, more in enumerate(_CONTENTS)
    ]


def store_as_before(client: Client, clicks: Sequence[ConsumerRecord]) -> None:
    """As a sink did that knew of no hash."""
    rows = [row for one in clicks if (row := CLICKS.row(one)) is not None]
    client.insert(
        CLICKS.name,
        [[*row[:_HASH], *row[_HASH + 1 :]] for row in rows],
        [*CLICK_COLUMNS[:_HASH], *CLICK_COLUMNS[_HASH + 1 :]],
    )


def hashes(database: Database, table: str, column: str, workspace: str) -> list[tuple[object, ...]]:
    return sorted(
        database.rows(f"SELECT click_id, {column} FROM {table} FINAL WHERE workspace_id = '{workspace}'")
    )


def test_it_is_what_the_sink_makes_of_the_event(shared: Database) -> None:
    workspace = f"w{next(NUMBERS)}"
    clicks = clicks_of(workspace)
    store_as_before(shared.client, clicks)
    rows = f"SELECT * FROM clicks WHERE workspace_id = '{workspace}' ORDER BY ALL"
    before = shared.rows(rows)
    assert add_content_hashes(shared.client) == len(clicks)
    expected = [(one.click_id, content_hash(kept_of(one))) for one in map(_decoded, clicks)]
    assert hashes(shared, "clicks_by_time_raw", "content", workspace) == expected
    assert hashes(shared, "clicks_raw", "content_hash", workspace) == expected
    assert shared.rows(rows) == before
    assert len(before) == len(clicks)
    assert add_content_hashes(shared.client) == 0


def test_a_sink_of_before_that_goes_on_doubles_nothing(shared: Database) -> None:
    workspace = f"w{next(NUMBERS)}"
    clicks = clicks_of(workspace)
    for _ in range(2):
        store_as_before(shared.client, clicks)
        add_content_hashes(shared.client)
    store_as_before(shared.client, clicks)
    asyncio.run(deliver(shared, clicks, [], random.Random(0)))
    assert shown(shared, workspace) == chosen(clicks)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent(), st.data())
def test_each_click_is_there_once_after_a_replay(
    shared: Database, events: Sequence[tuple[dict[str, Any], int]], data: st.DataObject
) -> None:
    """Whatever of it was stored before, also when some of it had been replayed already."""
    workspace = f"w{next(NUMBERS)}"
    clicks = [
        record("clicks", click(workspaceId=workspace, **event), offset=offset, at_ms=at_ms)
        for offset, (event, at_ms) in enumerate(events)
    ]
    told = [record("unmatched", one, offset=offset) for offset, one in enumerate(reports(clicks))]
    rng = random.Random(data.draw(st.integers(0, 1 << 32)))
    store_as_before(shared.client, clicks[: rng.randint(1, len(clicks))])
    if rng.random() < 0.5:
        asyncio.run(deliver(shared, clicks[: rng.randint(0, len(clicks))], told, rng))
    add_content_hashes(shared.client, at_once=2)
    asyncio.run(deliver(shared, clicks, told, rng))
    assert shown(shared, workspace) == chosen(clicks)


class Killed(BaseException):
    pass


class Mortal:
    """A client whose process is killed before its ``life``-th insert, or after it was done."""

    def __init__(self, client: Client, life: int, after: bool) -> None:
        self._client, self._left, self._after = client, life, after

    def insert(self, *args: Any, **more: Any) -> None:
        self._left -= 1
        if self._left or self._after:
            self._client.insert(*args, **more)
        if not self._left:
            raise Killed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@pytest.mark.parametrize("after", [False, True])
def test_it_may_be_killed_anywhere(shared: Database, *, after: bool) -> None:
    """And shows each click once meanwhile. Each life sees one insert more than the one before."""
    workspace, life = f"w{next(NUMBERS)}", 0
    clicks = clicks_of(workspace)
    store_as_before(shared.client, clicks)
    finished = False
    while not finished:
        life += 1
        try:
            add_content_hashes(Mortal(shared.client, life, after), at_once=1)  # type: ignore[arg-type]
            finished = True
        except Killed:
            pass
        assert shown(shared, workspace) == chosen(clicks)
    assert life > 2
    asyncio.run(deliver(shared, clicks, [], random.Random(0)))
    assert shown(shared, workspace) == chosen(clicks)


def test_whoever_migrates_adds_them(shared: Database) -> None:
    """A replay, too, begins so: it heals what sinks of the release before have stored till then."""
    workspace = f"w{next(NUMBERS)}"
    add_content_hashes(shared.client)
    store_as_before(shared.client, clicks_of(workspace)[:2])
    deployment = Settings(clickhouse_url=SecretStr(shared.url))
    assert bring_up_to_date(deployment) == ["content hashes of clicks (2)"]
    assert bring_up_to_date(deployment) == []


def _decoded(one: ConsumerRecord) -> Any:
    return decode_click(one.value, one.timestamp, T0)[0]
