"""An erased customer between the real Kafka and the real ClickHouse: hidden at once, deleted, never back."""

import asyncio
from collections.abc import Sequence

import pytest

from deploy.local.kafka import LocalKafka
from processors.sink.erasing import ERASED_ROWS
from processors.sink.rows import Row
from processors.sink.tables import Table
from processors.sink.writer import Poison, Writer
from schemas.ids import customer_id
from schemas.topics import Topic
from tests.clickhouse.database import Database
from tests.sink import records
from tests.sink.kafka_side import Deployment, Message, deploy, until
from tests.sink.records import T0, unmatched

pytestmark = pytest.mark.integration

VIEWS = ("leads", "sales", "customers", "unmatched", "dead_letters")
HIDDEN = "WHERE reason != 'suppressed'"


def of(customer: str) -> list[Message]:
    """A row of this customer for each table."""
    key = f"w:{customer}".encode()
    broken = b'{"workspaceId":"w","customerId":"%b","customerEmail":' % customer.encode()
    return [
        (Topic.LEADS, key, records.lead(customer)),
        (Topic.SALES, key, records.sale(customer, "i1")),
        (Topic.CUSTOMERS, key, records.customer(customer)),
        (Topic.UNMATCHED, key, unmatched(b'{"who":"%b"}' % key, customer_external_id=customer)),
        (Topic.DEAD_LETTERS, b"w:k1", broken),
    ]


def suppressed(customer: str) -> Message:
    value = unmatched(b"null", customer_external_id=customer, reason="suppressed", at_ms=T0 + 1)
    return Topic.UNMATCHED, f"w:{customer}".encode(), value


def shown(database: Database) -> dict[str, int]:
    return {view: int(str(database.client.command(f"SELECT count() FROM {view}"))) for view in VIEWS}


PERSONS = ("leads", "lead_revisions", "sales", "customers")
"""Views of which each row is about one customer."""


def stored(database: Database, customer: str) -> int:
    """Rows of this customer that any table holds, hidden ones and old versions included."""
    identity = customer_id("w", customer)
    return sum(
        int(str(database.client.command(f"SELECT count() FROM {table} WHERE {condition}")))
        for table, condition in (
            *((f"{name}_raw", f"customer_id = '{identity}'") for name in PERSONS),
            ("unmatched_raw", f"customer_id = '{identity}' AND reason != 'suppressed'"),
            ("dead_letters_raw", f"has(customer_ids, '{identity}')"),
        )
    )


async def consumed(deployment: Deployment, messages: Sequence[Message], **more: Writer) -> None:
    """Sent, and read by a sink to the end."""
    await deployment.send(messages)
    async with deployment.running(**more) as sink:
        await until(lambda: sink.stats.lag == 0)


async def test_an_erasure_hides_and_deletes_and_leaves_others_alone(
    kafka: LocalKafka, database: Database
) -> None:
    deployment = await deploy(kafka.bootstrap, database)
    await consumed(deployment, [*of("ann"), *of("bob")])
    assert shown(database) == dict.fromkeys(VIEWS, 2)
    assert stored(database, "ann") == 6

    await consumed(deployment, [(Topic.CUSTOMERS, b"w:ann", None), suppressed("ann")])
    assert shown(database) == {**dict.fromkeys(VIEWS, 1), "unmatched": 2}
    await until(lambda: stored(database, "ann") == 0)
    assert stored(database, "bob") == 6
    assert database.rows("SELECT customer_id FROM erased_raw") == [(customer_id("w", "ann"),)]
    commands = database.rows("SELECT command FROM system.mutations WHERE database = currentDatabase()")
    assert len(commands) >= len(ERASED_ROWS)
    assert not [command for command in commands if "ann" in str(command) or "cus_" in str(command)]


async def test_a_replay_brings_nobody_back(kafka: LocalKafka, database: Database) -> None:
    """From the first record on, which still tells all of the person, into the same tables and into new."""
    deployment = await deploy(kafka.bootstrap, database)
    history = [*of("ann"), *of("bob"), (Topic.CUSTOMERS, b"w:ann", None), suppressed("ann"), *of("ann")]
    await consumed(deployment, history)
    await until(lambda: stored(database, "ann") == 0)
    before = database.snapshot()

    again = deployment.settings.model_copy(update={"sink_group": "again"})
    await consumed(Deployment(again, database), [])
    assert database.snapshot() == before
    await until(lambda: stored(database, "ann") == 0)

    for table in ("erased_raw", *ERASED_ROWS):
        database.client.command(f"TRUNCATE TABLE {table}")
    anew = deployment.settings.model_copy(update={"sink_group": "anew", "sink_batch_rows": 1})
    await consumed(Deployment(anew, database), [])
    assert database.snapshot() == before
    await until(lambda: stored(database, "ann") == 0)


class Overtaken(Writer):
    """Between its look at who was erased and its insert, another sink hears of an erasure."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.client, asyncio.Event(), lambda why: pytest.fail(why))
        self._database = database

    async def insert(self, table: Table, rows: Sequence[Row]) -> list[Poison]:
        if table.name == "leads_raw":
            self._database.client.insert(
                "erased_raw", [[customer_id("w", "ann"), 1]], column_names=["customer_id", "version"]
            )
        return await super().insert(table, rows)


async def test_two_sinks_leave_nothing_between_them(kafka: LocalKafka, database: Database) -> None:
    deployment = await deploy(kafka.bootstrap, database)
    await consumed(deployment, [*of("ann"), *of("bob")], writer=Overtaken(database))
    assert shown(database) == dict.fromkeys(VIEWS, 1)
    await until(lambda: stored(database, "ann") == 0)
    assert stored(database, "bob") == 6
