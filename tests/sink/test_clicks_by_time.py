"""Whatever is sent of a click, in whatever order, how often: by time it is there once, as workers chose."""

import asyncio
import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from aiokafka import ConsumerRecord, TopicPartition
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.local.clickhouse import LocalClickHouse
from processors.sink.batch import Batch
from processors.sink.lost_clicks import conflict_row
from processors.sink.tables import CLICKS, by_topic
from processors.sink.undated_clicks import lost_among
from processors.sink.writer import Writer
from schemas.clicks import content_hash, kept_of
from schemas.decoding import decode_click
from schemas.times import DAY_MS
from tests.clickhouse.database import Database, fresh_database
from tests.sink.records import T0, click, record, unmatched
from tests.sink.worker_side import reports

pytestmark = pytest.mark.integration

_TIMES = (T0 - 60 * DAY_MS, T0 - 31 * DAY_MS, T0 - 1, T0)
NUMBERS = itertools.count()
_TABLES = ("clicks_raw", "clicks_by_id", "clicks_by_time_raw")


@pytest.fixture(scope="module")
def shared(clickhouse: LocalClickHouse) -> Iterator[Database]:
    with fresh_database(clickhouse.url) as database:
        yield database


@st.composite
def sent(draw: st.DrawFn) -> list[tuple[dict[str, Any], int]]:
    """Clicks, each with its record's time. Some are sent again as they were, some have no time of theirs."""
    events = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "click_id": st.sampled_from(["a", "b", "c"]),
                    "at_ms": st.one_of(st.none(), st.sampled_from(_TIMES)),
                    "country": st.sampled_from([None, " ", "AA", "BB"]),
                    "ua": st.sampled_from([None, "one", "another"]),
                    "bot": st.sampled_from([None, None, None, True]),
                }
            ),
            min_size=1,
            max_size=8,
        )
    )
    again = draw(st.lists(st.sampled_from(events), max_size=4))
    return [(event, draw(st.sampled_from(_TIMES))) for event in draw(st.permutations([*events, *again]))]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent(), st.integers(0, 1 << 32))
def test_each_click_is_there_once(
    shared: Database, events: Sequence[tuple[dict[str, Any], int]], seed: int
) -> None:
    workspace = f"w{next(NUMBERS)}"
    clicks = [
        record("clicks", click(workspaceId=workspace, **event), offset=offset, at_ms=at_ms)
        for offset, (event, at_ms) in enumerate(events)
    ]
    told = [record("unmatched", one, offset=offset) for offset, one in enumerate(reports(clicks))]
    expected = chosen(clicks)
    rng = random.Random(seed)
    asyncio.run(deliver(shared, clicks, told, rng))
    assert shown(shared, workspace) == expected
    start = rng.randrange(len(clicks))
    asyncio.run(deliver(shared, clicks[start:], told[rng.randint(0, len(told)) :], rng))
    assert shown(shared, workspace) == expected, "after a replay"
    if seed % 4 == 0:
        for table in _TABLES:
            shared.client.command(f"OPTIMIZE TABLE {table} FINAL")
        assert shown(shared, workspace) == expected, "merged"
        asyncio.run(deliver(shared, clicks, told, rng))
        assert shown(shared, workspace) == expected, "after a replay over what is merged"


def chosen(clicks: Sequence[ConsumerRecord]) -> list[tuple[object, ...]]:
    """By rule 1: of each click the earliest, of those of one moment the greater hash of its content."""
    best: dict[str, tuple[int, int, str]] = {}
    for one in clicks:
        event, at_ms = decode_click(one.value, one.timestamp, T0)
        if not event.bot:
            said = (-at_ms, content_hash(kept_of(event)), event.country or "")
            best[event.click_id] = max(said, best.get(event.click_id, said))
    return sorted((click_id, -inverted, country) for click_id, (inverted, _, country) in best.items())


def shown(database: Database, workspace: str) -> list[tuple[object, ...]]:
    columns = "click_id, toUnixTimestamp64Milli(timestamp), country"
    everything = f"SELECT {columns} FROM clicks WHERE workspace_id = '{workspace}'"
    rows = sorted(database.rows(everything))
    for at_ms in _TIMES:
        some = database.rows(
            f"{everything} AND timestamp = fromUnixTimestamp64Milli(toInt64({at_ms}), 'UTC')"
        )
        assert sorted(some) == [row for row in rows if row[1] == at_ms], "as a question about a time has it"
    return rows


async def deliver(
    database: Database, clicks: Sequence[ConsumerRecord], told: Sequence[ConsumerRecord], rng: random.Random
) -> None:
    """In batches; what was reported is read before or after what it is about, as the topics go."""
    writer = Writer(database.client, asyncio.Event(), lambda why: pytest.fail(why))
    streams = [list(clicks), list(told)]
    while any(streams):
        batch = Batch()
        for stream in streams:
            count = rng.randint(0, 4)
            taken, stream[:] = stream[:count], stream[count:]
            if taken:
                batch.add_all({TopicPartition(taken[0].topic, 0): taken}, by_topic(str))
        assert not batch.refused
        if dated := batch.tables.get(CLICKS.name):
            lost = await lost_among(dated, writer.stored_clicks)
            if lost.rows:
                assert await writer.insert(lost.table, lost.rows) == []
        for one in batch.tables.values():
            if one.rows:
                assert await writer.insert(one.table, one.rows) == []
    await writer.close()


async def test_of_a_click_with_a_time_of_its_own_clickhouse_is_not_asked() -> None:
    def batch(*values: bytes) -> Batch:
        found = Batch()
        records = [record("clicks", value, offset=offset) for offset, value in enumerate(values)]
        found.add(TopicPartition("clicks", 0), by_topic(str)["clicks"], records)
        return found

    asked: list[set[tuple[str, str]]] = []

    async def stored(keys: Any) -> list[Any]:
        asked.append(set(keys))
        return []

    dated = batch(click("a", T0 - 5), click("a", T0 - 7), click("b", T0, trigger="qr"))
    assert (await lost_among(dated.tables[CLICKS.name], stored)).rows == []
    assert asked == []
    absent = b'{"workspaceId":"w","clickId":"c","timestamp":null}'
    named = b'{"workspaceId":"w","clickId":"d","timestamp":1790000000000,"other":{"timestamp":null}}'
    await lost_among(batch(click("a", T0), click("b", None), absent, named).tables[CLICKS.name], stored)
    assert asked == [{("w", "b"), ("w", "c")}]


def test_only_a_conflict_deletes() -> None:
    conflict = unmatched(click("k", T0), reason="click_conflict")
    row = conflict_row(record("unmatched", conflict))
    assert row is not None
    assert row[:3] == ("w", T0, "k")
    for other in (
        unmatched(click("k", T0), reason="bot_click"),
        unmatched(click("k", T0), reason="click_conflict", replayed="0123"),
        unmatched(b"null", reason="click_conflict"),
        unmatched(b'{"workspaceId":"w"}', reason="click_conflict"),
        msgspec.json.encode({"reason": "click_conflict"}),
        b"\xff",
        None,
    ):
        assert conflict_row(record("unmatched", other)) is None


_WITHIN = "workspace_id = 'w0' AND timestamp >= '{start}' AND timestamp < '{end}'"
_WINDOW = "workspace = 'w0', start = '{start}', end = '{end}', timezone = 'UTC'"


@pytest.mark.parametrize(
    "question",
    [
        f"SELECT count() FROM clicks WHERE {_WITHIN}",
        f"SELECT link_id, count() FROM clicks WHERE {_WITHIN} GROUP BY link_id",
        f"SELECT * FROM timeseries({_WINDOW}, granularity = 'day')",
        f"SELECT * FROM top_links({_WINDOW})",
        f"SELECT * FROM funnel({_WINDOW})",
    ],
    ids=["count", "by link", "timeseries", "top_links", "funnel"],
)
def test_a_question_reads_the_clicks_of_its_months(year_of_clicks: Database, question: str) -> None:
    """And not all that a workspace ever had: months are read by their keys, however many there are."""
    months = year_of_clicks.client.command(
        "SELECT count() FROM clicks WHERE workspace_id = 'w0' AND toYYYYMM(timestamp) IN (202603, 202604)"
    )
    answer = year_of_clicks.client.query(
        question.format(start="2026-03-10", end="2026-04-09"), settings={"use_query_condition_cache": 0}
    )
    assert answer.result_rows
    assert int(str(answer.summary["read_rows"])) <= 1.5 * int(str(months))


@pytest.fixture(scope="module")
def year_of_clicks(clickhouse: LocalClickHouse) -> Iterator[Database]:
    """Of two workspaces, in three parts a month that are not merged."""
    with fresh_database(clickhouse.url) as database:
        database.client.command("SYSTEM STOP MERGES clicks_by_time_raw")
        for part in range(3):
            database.client.command(
                "INSERT INTO clicks_raw (workspace_id, click_id, timestamp, link_id) "
                f"SELECT 'w' || toString(number % 2), toString(number) || '-{part}', "
                "toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + toIntervalSecond(number * 60), "
                "toString(number % 50) FROM numbers(365 * 24 * 60)"
            )
        yield database
