"""Whatever is delivered again, in whatever batches and order of batches: no row of any view changes."""

import asyncio
import random
from collections.abc import Sequence
from functools import reduce

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from processors.attribution.clicks import earlier, remember
from processors.sink.batch import Batch
from processors.sink.click_rows import click_rows
from processors.sink.refusal_rows import dead_letter_row, unmatched_last_row
from processors.sink.tables import CLICKS, TABLES, by_topic
from processors.sink.undated_clicks import lost_among
from processors.sink.writer import Writer
from schemas.clicks import kept_of
from schemas.decoding import decode_click
from schemas.times import DAY_MS
from schemas.topics import Topic
from tests.clickhouse.database import Database
from tests.rewarding.world import NAMES, RewardWorld
from tests.rewards import builders
from tests.sink import records
from tests.sink.records import T0, click, record, unmatched
from tests.sink.worker_side import reports

pytestmark = pytest.mark.integration

click_row = click_rows(lambda: T0)

Stream = list[ConsumerRecord]


def emitted(topic: str, values: Sequence[bytes | None], keys: Sequence[bytes] | None = None) -> Stream:
    """As the brokers hold it: their time never falls."""
    return [
        record(topic, value, offset=place, at_ms=T0 + place // 3, key=keys[place] if keys else b"w:c")
        for place, value in enumerate(values)
    ]


def told(clicks: Sequence[bytes]) -> list[Stream]:
    """Clicks, and what workers report of them."""
    sent = emitted("clicks", clicks)
    return [sent, emitted("unmatched", reports(sent))]


def rewards() -> list[Stream]:
    """Of a ledger: revisions, and refusals that are taken back."""
    world = RewardWorld(
        builders.parsed(builders.policy({"lead": {"amount": 2_500}, "sale": {"percent": 20}}))
    )
    first, sale = builders.lead(1), builders.sale(3)
    moved = {**first, "revision": 2, "link": {**first["link"], "partnerId": "other"}}
    refund = builders.event("refund", sale["saleId"], 4, amount=50)
    world.send([first, builders.lead(2, "Demo"), sale, refund, moved])
    return [
        emitted(topic, [one.value for one in world.logs[NAMES[topic]]])
        for topic in (Topic.REWARDS, Topic.REWARD_REFUSALS)
    ]


def streams() -> list[Stream]:
    """Of each topic: repeated, corrected and deleted results."""
    months = [T0 - 40 * DAY_MS, T0, T0 + 1]
    clicks = [click(f"k{n % 20}", months[n % 3] + n // 20, country=f"{n:02}") for n in range(60)]
    leads = [records.lead(f"c{n % 15}", revision=1 + n // 15, quantity=1 + n) for n in range(45)]
    sales = [records.sale("c", f"i{n % 10}", amount=n, revision=1 + n // 10) for n in range(30)]
    customers = [None if n in (12, 25) else records.customer(f"c{n % 10}", leads=n // 10) for n in range(30)]
    names = [f"w:c{n % 10}".encode() for n in range(30)]
    # Reported, replayed, and all but the last two reported again, for another reason.
    events = [b'{"n":%d}' % number for number in range(8)]
    reported = [unmatched_last_row(record("unmatched", unmatched(event))) for event in events]
    ids = [row[1] for row in reported if row is not None]
    unmatched_ = [
        *(unmatched(events[n], offset=n) for n in range(8)),
        *(unmatched(b"null", offset=8 + n, replayed=ids[n]) for n in range(8)),
        *(unmatched(events[n], reason="outside_qualification_window", offset=16 + n) for n in range(6)),
    ]
    letters = [
        records.dead_letter(b"\xff%d" % (n % 5), key=b"k", offset=n, attempt=1 + n // 5) for n in range(15)
    ]
    # In between, each was replayed; of the last attempt only the last one.
    notes = [
        records.dead_letter(
            None,
            key=b"k",
            offset=n + 5,
            attempt=1 + n // 5,
            replayed=dead_letter_row(letters[n])[0],
        )
        for n in (*range(10), 14)
    ]
    return [
        *told(clicks),
        emitted("leads", leads),
        emitted("sales", sales),
        emitted("customers", customers, names),
        emitted("unmatched", unmatched_),
        *rewards(),
        sorted([*letters, *notes], key=lambda one: one.offset),
    ]


async def deliver(database: Database, everything: Sequence[Stream], rng: random.Random) -> None:
    """Cut into batches at random; partitions are read in order, but a replay may begin anywhere."""
    tables = by_topic(str)
    writer = Writer(database.client, asyncio.Event(), lambda why: pytest.fail(why))
    cuts: list[Stream] = []
    for stream in everything:
        start = 0
        while start < len(stream):
            end = start + rng.randint(1, 25)
            cuts.append(stream[start:end])
            start = end
    rng.shuffle(cuts)
    for cut in cuts:
        batch = Batch()
        batch.add_all({TopicPartition(cut[0].topic, 0): cut}, tables)
        assert not batch.refused
        lost = [
            await lost_among(one, writer.stored_clicks)
            for one in batch.tables.values()
            if one.table is CLICKS
        ]
        for one in (*lost, *batch.tables.values()):
            assert await writer.insert(one.table, one.rows) == []
    await writer.close()


async def test_a_replay_changes_no_row(database: Database) -> None:
    everything = streams()
    await deliver(database, everything, random.Random(1))
    before = database.snapshot()
    assert {view: len(rows) for view, rows in before.items()} == {
        "clicks": 20,
        "leads": 13,
        "lead_revisions": 39,
        "sales": 10,
        "customers": 8,
        "unmatched": 6 + 40,
        "dead_letters": 4,
        "links": 0,
        "rewards": 3,
        "reward_refusals": 0,
    }
    for seed in (2, 3):
        some = [stream[random.Random(seed).randrange(len(stream)) :] for stream in everything]
        await deliver(database, some, random.Random(seed))
        assert database.snapshot() == before
    for table in TABLES:
        database.client.command(f"OPTIMIZE TABLE {table.name} FINAL")
    assert database.snapshot() == before


async def test_the_winner_is_the_right_one(database: Database) -> None:
    everything = streams()
    await deliver(database, everything, random.Random(4))
    assert database.rows("SELECT count(), min(revision), max(revision) FROM leads") == [(13, 3, 3)]
    assert database.rows("SELECT sum(amount) FROM sales") == [(sum(range(20, 30)),)]
    # c2 and c5 were erased: what came of them afterwards shows nowhere.
    assert (
        database.rows("SELECT customer_external_id FROM customers WHERE customer_external_id IN ('c2', 'c5')")
        == []
    )
    found = database.rows(
        "SELECT reason, min(source_offset), max(source_offset) FROM unmatched "
        "WHERE reason != 'click_conflict' GROUP BY reason"
    )
    assert found == [("no_deferred_lead", 0, 5)]
    assert database.rows("SELECT DISTINCT attempt FROM dead_letters") == [(3,)]


def one_by_one(clicks: Sequence[bytes]) -> list[Stream]:
    return [[one] for stream in told(clicks) for one in stream]


@pytest.mark.parametrize("seed", range(4))
async def test_the_earliest_click_counts_in_any_order(database: Database, seed: int) -> None:
    """Also when its rivals lie in other months, and when a query looks only at theirs."""
    rivals = [
        click("k", T0 - 70 * DAY_MS, country="AA"),
        click("k", T0 - 70 * DAY_MS + 1, country="BB"),
        click("k", T0 - 35 * DAY_MS, country="CC"),
        click("k", T0, country="DD"),
    ]
    random.Random(seed).shuffle(rivals)
    await deliver(database, one_by_one(rivals), random.Random(seed))
    assert database.rows("SELECT country FROM clicks") == [("AA",)]
    assert database.rows("SELECT country FROM clicks WHERE timestamp >= '2026-09-01'") == []
    assert database.rows("SELECT country FROM clicks WHERE country = 'DD'") == []
    window = "workspace = 'w', start = '2026-09-01', end = '2027-01-01', timezone = 'UTC'"
    assert database.rows(f"SELECT count FROM funnel({window}) LIMIT 1") == [(0,)]


async def test_of_two_clicks_of_one_moment_one_wins_in_either_order(database: Database) -> None:
    one, other = click("k", T0, country="AA"), click("k", T0, country="BB")
    winners = set()
    for order in ((one, other), (other, one)):
        for table in ("clicks_raw", "clicks_by_time_raw"):
            database.client.command(f"TRUNCATE TABLE {table}")
        await deliver(database, one_by_one(order), random.Random(0))
        winners.add(tuple(database.rows("SELECT country FROM clicks")))
    assert len(winners) == 1


async def test_a_revision_wins_against_an_older_one_that_bears_a_later_time(database: Database) -> None:
    for topic, values in (
        ("leads", [records.lead("c", revision=revision) for revision in (1, 2)]),
        ("sales", [records.sale("c", "i", amount=5 * revision, revision=revision) for revision in (1, 2)]),
    ):
        times = (T0 + 300, T0)
        for seed in range(2):
            emitted_ = [[record(topic, values[n], offset=5 + n, at_ms=times[n])] for n in (0, 1)]
            await deliver(database, emitted_, random.Random(seed))
            assert database.rows(f"SELECT revision FROM {topic}") == [(2,)]


@given(st.data())
def test_the_workers_and_the_table_choose_the_same_click(data: st.DataObject) -> None:
    """By what the row says: the table keeps the row with the greatest precedence."""
    names = st.one_of(st.none(), st.text("ab", max_size=2))
    contents = st.fixed_dictionaries({"country": names, "qr": st.booleans(), "url": names, "ua": names})
    events = [click("k", T0, **content) for content in data.draw(st.lists(contents, min_size=2, max_size=5))]
    rows = [click_row(record("clicks", event)) for event in events]
    kept = [remember(decode_click(event, T0, T0)[0], T0) for event in events]
    by_table = max(range(len(rows)), key=lambda place: rows[place][-2:])  # type: ignore[index]
    chosen = reduce(earlier, kept)
    assert kept[by_table] == chosen
    for event, one in zip(events, kept, strict=True):
        assert kept_of(decode_click(event, T0, T0)[0]) == astuple(one)[1:]


async def test_of_two_clicks_of_one_moment_the_one_that_the_worker_chose_is_shown(database: Database) -> None:
    rivals = {country: click("k", T0, country=country) for country in ("AA", "BB", "CC", "DD")}
    chosen = reduce(earlier, (remember(decode_click(one, T0, T0)[0], T0) for one in rivals.values()))
    for seed in range(3):
        order = random.Random(seed).sample(list(rivals.values()), len(rivals))
        await deliver(database, one_by_one(order), random.Random(seed))
        assert database.rows("SELECT country FROM clicks") == [(chosen.country,)]


async def test_what_comes_out_is_what_went_in(database: Database) -> None:
    await deliver(
        database,
        [emitted("leads", [records.lead("Zoë:1")]), [records.dead_letter(b"\xff\x00\n{")]],
        random.Random(0),
    )
    [row] = database.client.query("SELECT * FROM leads").named_results()
    assert row["customer_external_id"] == "Zoë:1"
    assert (row["city"], row["country"], row["region"], row["qr"]) == ("Köln", "DE", "", False)
    assert (row["metadata"], row["event_id"], row["short_link"]) == (
        '{"plan":"pro"}',
        "",
        "https://go.example/x",
    )
    assert row["timestamp"].tzinfo is not None
    assert row["timestamp"].timestamp() * 1000 == T0
    assert row["click_timestamp"].timestamp() * 1000 == T0 - 5000
    assert database.rows(
        "SELECT hex(value), workspace_id, source_partition, source_offset, preview FROM dead_letters"
    ) == [("FF000A7B", "w", 3, 17, "\ufffd\x00\n{")]


async def test_a_dead_letter_with_any_headers_has_a_row(database: Database) -> None:
    """It could not go anywhere else."""
    strange = [
        {
            "attempt": b"9" * 30,
            "source-offset": b"-1",
            "source-timestamp": b"9" * 19,
            "source-partition": b"9" * 10,
        },
        {"reason": b"\xff", "detail": b"\xff" * 1000, "source-topic": b"", "source-offset": "٣".encode()},
        {},
    ]
    dead = [
        record("dead-letters", value, offset=place, headers=tuple(headers.items()), key=None, at_ms=T0)
        for place, (value, headers) in enumerate(zip((b"a", None, b"\x00" * 10), strange, strict=True))
    ]
    await deliver(database, [dead], random.Random(0))
    assert database.rows("SELECT count() FROM dead_letters") == [(3,)]
