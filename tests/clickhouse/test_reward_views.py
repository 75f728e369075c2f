"""What partners are owed, as ClickHouse shows it, against sums computed by hand."""

from collections.abc import Iterable

import pytest
from aiokafka import ConsumerRecord

from processors.sink.reward_rows import REFUSAL_COLUMNS, REWARD_COLUMNS, refusal_row, reward_row
from schemas.topics import Topic
from tests.clickhouse.database import Database
from tests.clickhouse.test_analytics import add
from tests.rewarding.world import NAMES, RewardWorld
from tests.rewards.builders import T0, Document, event, lead, of_lead, of_sale, parsed, policy, sale

pytestmark = pytest.mark.integration

DAY_MS = 86_400_000
POLICY = policy({"lead": {"amount": 2_500}, "sale": {"percent": 20}})
MOVED = lead(1, revision=2, partner="other")


def consumed(world: RewardWorld, topic: Topic) -> Iterable[ConsumerRecord[bytes, bytes]]:
    """As a sink reads them."""
    for one in world.logs[NAMES[topic]]:
        yield ConsumerRecord(
            *(one.topic, 0, one.offset, one.timestamp, 1, one.key, one.value, None, 0, 0), one.headers
        )


def stored(database: Database, *documents: tuple[int, Document], under: Document = POLICY) -> None:
    """Each sent on its day after T0, when what is payable is told, too. Stored twice, as by a replay."""
    world = RewardWorld(parsed(under), now_ms=T0)
    for day, document in documents:
        world.now_ms = T0 + day * DAY_MS
        world.send([document])
    for _ in range(2):
        rewards = [reward_row(one) for one in consumed(world, Topic.REWARDS)]
        add(database, "rewards_raw", rewards, *REWARD_COLUMNS)
        refusals = [refusal_row(one) for one in consumed(world, Topic.REWARD_REFUSALS)]
        if refusals:
            add(database, "reward_refusals_raw", refusals, *REFUSAL_COLUMNS)


def test_a_reward_is_its_newest_revision(database: Database) -> None:
    stored(database, (2, lead(1)), (3, sale(2)), (35, MOVED), (36, event("hold", of_sale(), 36)))
    found = database.rows(
        "SELECT partner_id, kind, revision, amount, status, reason FROM rewards ORDER BY ALL"
    )
    assert found == [
        ("other", "lead", 1, 2_500, "payable", ""),
        ("pn", "lead", 2, 0, "cancelled", "moved"),
        ("pn", "sale", 3, 2_000, "held", "held"),
    ]


def test_earnings_by_partner_and_currency(database: Database) -> None:
    euros = sale(3, "i2", currency="eur")
    stored(database, (4, lead(1)), (4, sale(2)), (4, euros), (5, event("cancel", of_lead(), 5)))
    january = "workspace = 'w1', program = 'pg', start = '2026-01-01', end = '2026-02-01', timezone = 'UTC'"
    assert database.rows(f"SELECT * FROM partner_earnings({january})") == [
        ("pn", "eur", 1, 2_000, 0, 0, 0),
        ("pn", "usd", 1, 2_000, 0, 0, 2_500),
    ]
    assert database.rows(f"SELECT * FROM partner_earnings({january.replace('pg', 'other')})") == []


def test_what_was_cancelled_had_been_worth_what_was_granted(database: Database) -> None:
    """Not what it would have been before caps and refunds."""
    refund = event("refund", sale(2)["saleId"], 5, amount=5_000)
    capped = policy(
        {"lead": {"amount": 2_500, "cap": {"amount": 900, "per": "month"}}, "sale": {"percent": 20}}
    )
    cancelled = (event("cancel", of_lead(), 6), event("cancel", of_sale(), 6))
    stored(database, (4, lead(1)), (4, sale(2)), (5, refund), *((6, one) for one in cancelled), under=capped)
    january = "workspace = 'w1', program = 'pg', start = '2026-01-01', end = '2026-02-01', timezone = 'UTC'"
    assert database.rows(f"SELECT * FROM partner_earnings({january})") == [("pn", "usd", 0, 0, 0, 0, 1_900)]


def test_statements_of_months_add_up_to_what_is_owed(database: Database) -> None:
    refund = event("refund", sale(2)["saleId"], 33, amount=5_000)
    stored(database, (4, lead(1)), (4, sale(2)), (33, refund), (34, MOVED))
    sums = [
        database.rows(
            "SELECT sum(delta), count() FROM reward_statement("
            f"workspace = 'w1', partner = 'pn', month = '{month}')"
        )[0]
        for month in ("2026-01", "2026-02", "2026-03")
    ]
    assert sums == [(4_500, 2), (-3_500, 3), (0, 0)]
    assert database.rows("SELECT sum(amount) FROM rewards WHERE partner_id = 'pn'") == [(1_000,)]


def test_a_refusal_that_no_longer_holds_is_not_shown(database: Database) -> None:
    second = lead(3, "Demo")
    stored(database, (4, lead(1)), (4, second))
    assert database.rows("SELECT source_id, reason FROM reward_refusals") == [
        (second["leadId"], "already_rewarded")
    ]
    stored(database, (4, lead(1)), (4, second), (5, lead(1, revision=2, partner="other")))
    assert database.rows("SELECT source_id, reason FROM reward_refusals") == []
