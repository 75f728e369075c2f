"""What analysts see: the columns of every view, and nothing that is none of their business."""

import asyncio
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import orjson
import pytest

from deploy.local.clickhouse import LocalClickHouse
from processors.audit.results import CUSTOMERS, LEADS, as_stored, fields
from processors.audit.rows import read_rows
from processors.clickhouse.connection import connect
from processors.clickhouse.migrations import migrate, pending
from processors.sink.lost_clicks import Sent, deletion
from processors.sink.result_rows import STATUS_COLUMNS, customer_row
from processors.sink.tables import LOST_CLICKS
from tests.clickhouse.database import Database
from tests.conftest import eventually
from tests.sink import records

pytestmark = pytest.mark.integration

_CUSTOMER: Final = (
    *("customer_id", "customer_external_id", "customer_name", "customer_email", "customer_avatar"),
    "customer_first_seen_at",
)
_CLICK: Final = (
    *("click_id", "click_timestamp", "continent", "country", "region", "city", "device", "browser", "os"),
    *("referer", "referer_url", "trigger", "qr"),
)
_LINK: Final = (
    *("link_id", "domain", "key", "short_link", "url", "partner_id", "program_id", "tenant_id"),
    "link_external_id",
)
_SOURCE: Final = ("source_topic", "source_partition", "source_offset", "source_timestamp")

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "leads": (
        *("workspace_id", "lead_id", "revision", "timestamp", "deferred_at", "event_name", "quantity"),
        *("event_id", "attribution_model", "metadata", *_CUSTOMER, *_CLICK, *_LINK),
    ),
    "lead_revisions": (
        *("workspace_id", "lead_id", "revision", "emitted_at", "timestamp", "deferred_at", "event_name"),
        *("event_id", "quantity", "customer_id", "customer_external_id", "click_id", "click_timestamp"),
        *("link_id", "partner_id", "program_id"),
    ),
    "sales": (
        *("workspace_id", "sale_id", "lead_id", "revision", "timestamp", "deferred_at", "event_name"),
        *("lead_event_name", "quantity", "amount", "currency", "invoice_id", "payment_processor"),
        *("event_id", "attribution_model", "metadata", *_CUSTOMER, *_CLICK, *_LINK),
    ),
    "customers": (
        *("workspace_id", "status", "deferred_at", "qualified_at", "leads", "sales", "attribution_model"),
        *(*_CUSTOMER, *_CLICK, *_LINK, "touches"),
    ),
    "clicks": (
        *("workspace_id", "click_id", "timestamp", "event_id", "link_id", "partner_id", "program_id"),
        *("tenant_id", "link_external_id", "domain", "key", "url", "track_conversion", "continent"),
        *("country", "region", "city", "latitude", "longitude", "device", "browser", "os", "ua", "referer"),
        *("referer_url", "ip", "trigger", "qr"),
    ),
    "unmatched": (
        *("workspace_id", "unmatched_id", "reason", "detail", "customer_external_id", "customer_id"),
        *("click_id", "event_name", "timestamp", "event", *_SOURCE, "position", "reported_at"),
    ),
    "dead_letters": (
        *("dead_letter_id", "workspace_id", "reason", "detail", "key", "value", "attempt", *_SOURCE),
        *("position", "reported_at", "preview"),
    ),
    "links": (
        *("workspace_id", "link_id", "domain", "key", "short_link", "url", "track_conversion"),
        *("partner_id", "program_id", "tenant_id", "link_external_id", "created_at", "updated_at"),
    ),
    "rewards": (
        *("workspace_id", "reward_id", "revision", "published_at", "program_id", "partner_id"),
        *("customer_id", "kind", "source_id", "source_revision", "policy_version", "condition", "gross"),
        *("amount", "currency", "status", "reason", "earned_at", "payable_at"),
    ),
    "reward_refusals": (
        *("workspace_id", "customer_id", "source_id", "source_revision", "revision", "kind", "program_id"),
        *("partner_id", "reason", "timestamp"),
    ),
}
_WINDOW: Final = "workspace = 'w', start = '2026-01-01', end = '2026-02-01', timezone = 'UTC'"
ANSWERS: Final = {
    f"timeseries({_WINDOW}, granularity = 'day')": (
        *("bucket", "clicks", "leads", "sales", "sale_amount", "lead_count", "label"),
    ),
    f"funnel({_WINDOW})": ("step", "count", "conversion", "drop_off", "records"),
    f"top_links({_WINDOW})": (
        *("link_id", "domain", "key", "partner_id", "clicks", "leads", "sales", "sale_amount", "lead_count"),
    ),
    f"time_to_lead({_WINDOW})": ("stage", "leads", "p50", "p90", "p99", "lead_count"),
    f"funnel_steps({_WINDOW})": ("step", "count", "earlier_clicks", "conversion", "drop_off"),
    f"funnel_cohort({_WINDOW})": ("step", "count", "open", "conversion", "drop_off"),
    f"pending_by_age({_WINDOW})": ("from_days", "to_days", "customers", "share", "chance", "leaving"),
    f"time_to_qualify({_WINDOW})": ("partner_id", "from_seconds", "to_seconds", "leads", "lead_count"),
    f"partner_cohorts({_WINDOW})": (
        *("week", "partner_id", "clicks", "signed_up", "qualified_7", "qualified_14", "qualified_30"),
    ),
    f"sales_kinds({_WINDOW})": ("kind", "sales", "customers", "sale_amount"),
    f"attribution_shares({_WINDOW})": (
        *("model", "lead_id", "sale_id", "click_id", "link_id", "partner_id", "leads", "currency", "amount"),
    ),
    f"attribution_models({_WINDOW})": ("model", "link_id", "partner_id", "leads", "sale_amount"),
    f"revisions({_WINDOW})": (
        *("emitted_at", "lead_id", "revision", "event_name", "customer_external_id", "changed"),
        *("partner_id_before", "partner_id", "click_id_before", "click_id", "link_id_before", "link_id"),
        *("timestamp_before", "timestamp", "quantity_before", "quantity", "late_by"),
    ),
    f"late_events({_WINDOW})": (
        *("emitted_at", "timestamp", "late_by", "lead_id", "revision", "event_name", "quantity"),
        *("customer_external_id", "click_id", "link_id", "partner_id"),
    ),
    f"partner_earnings({_WINDOW}, program = 'pg')": (
        *("partner_id", "currency", "rewards", "pending", "payable", "held", "cancelled"),
    ),
    "reward_statement(workspace = 'w', partner = 'pn', month = '2026-01')": (
        *("published_at", "reward_id", "revision", "program_id", "kind", "source_id", "customer_id"),
        *("earned_at", "delta", "amount", "currency", "status", "reason"),
    ),
    f"not_counted({_WINDOW})": ("day", "kind", "reason", "events", "detail"),
}
_COUNTS: Final = {"clicks", "leads", "sales", "count", "customers", "signed_up", "revision", "events"}


def described(database: Database, what: str) -> Sequence[object]:
    return [row[0] for row in database.rows(f"DESCRIBE TABLE (SELECT * FROM {what})")]


@pytest.mark.parametrize("view", COLUMNS)
def test_columns_of_a_view(database: Database, view: str) -> None:
    """Queries of users rest on these names: add to them, never rename."""
    assert set(described(database, view)) == set(COLUMNS[view])


@pytest.mark.parametrize("table", ["dead_letters", "unmatched"])
def test_rows_from_before_the_column_know_when_they_were_reported(database: Database, table: str) -> None:
    version = (1 << 64) - 1 - (1_780_000_000_123 << 22 | 77)
    database.client.insert(f"{table}_raw", [[version]], column_names=["version"])
    found = database.rows(f"SELECT toUnixTimestamp64Milli(reported_at), position FROM {table}")
    assert found == [(1_780_000_000_123, "")]


@pytest.mark.parametrize("call", ANSWERS, ids=lambda call: call.partition("(")[0])
def test_columns_of_a_parameterised_view(database: Database, call: str) -> None:
    assert described(database, call) == list(ANSWERS[call])


def test_no_other_views_than_these(database: Database) -> None:
    found = database.rows(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
    )
    expected = {*COLUMNS, *(call.partition("(")[0] for call in ANSWERS)}
    assert {row[0] for row in found} == expected


def test_times_are_utc_with_milliseconds(database: Database) -> None:
    kinds = database.rows(
        "SELECT DISTINCT type FROM system.columns WHERE database = currentDatabase() AND type LIKE '%Date%' "
        "AND table IN ('leads', 'sales', 'customers', 'clicks', 'unmatched', 'dead_letters', 'links')"
    )
    times = {time for row in kinds for time in re.findall(r"Date\w*(?:\(.*?\))?", str(row[0]))}
    assert times == {"DateTime64(3, 'UTC')"}


@pytest.mark.parametrize("call", ANSWERS, ids=lambda call: call.partition("(")[0])
def test_a_workspace_that_nobody_knows(database: Database, call: str) -> None:
    """No error, and nothing of anybody else's."""
    database.client.command(
        "INSERT INTO leads_raw (workspace_id, lead_id, timestamp) VALUES ('w', 'l', '2026-01-02 00:00:00')"
    )
    stranger = call.replace("'w'", "'nobody'")
    for name in _COUNTS.intersection(ANSWERS[call]):
        assert database.rows(f"SELECT sum({name}) FROM {stranger}") == [(0,)], name


def test_the_loser_of_two_clicks_shows_in_no_month(database: Database) -> None:
    """They lie in different partitions; a filter that leaves out the winner's must not bring up the other."""
    for day in ("2026-05-17", "2026-06-15"):
        database.client.command(
            f"INSERT INTO clicks_raw (workspace_id, click_id, timestamp) VALUES ('w', 'c', '{day} 00:00:00')"
        )
    lost = LOST_CLICKS.name, [deletion(Sent("w", "c", 1_781_481_600_000, 0))], LOST_CLICKS.columns
    database.client.insert(*lost)
    for _ in range(2):
        for month, clicks in (("2026-05", 1), ("2026-06", 0)):
            assert database.rows(
                f"SELECT count() FROM clicks WHERE toYYYYMM(timestamp) = {month.replace('-', '')}"
            ) == [(clicks,)]
            assert database.rows(
                f"SELECT clicks FROM timeseries(workspace = 'w', start = '{month}-01', end = '{month}-28', "
                "granularity = 'month', timezone = 'UTC')"
            ) == [(clicks,)]
        database.client.command("OPTIMIZE TABLE clicks_by_time_raw FINAL")


@pytest.mark.parametrize("table", ["leads", "sales"])
def test_metadata_is_an_object_in_every_row(database: Database, table: str) -> None:
    """Also in rows of sinks that wrote nothing where there was none."""
    key = f"{table.removesuffix('s')}_id"
    for number, value in enumerate(("", "{}", '{"plan":"pro","seats":5}')):
        database.client.insert(f"{table}_raw", [["w", str(number), value]], ["workspace_id", key, "metadata"])
    database.client.command(f"INSERT INTO {table}_raw (workspace_id, {key}) VALUES ('w', '3')")
    found = database.rows(f"SELECT metadata, metadata::JSON.plan::String FROM {table} ORDER BY {key}")
    assert found == [("{}", ""), ("{}", ""), ('{"plan":"pro","seats":5}', "pro"), ("{}", "")]


def test_metadata_of_before_that_clickhouse_cannot_read_is_kept_as_a_text(database: Database) -> None:
    """One of them would make metadata::JSON fail for everybody. The audit still sees what the result says."""
    texts = ['{"a":1,"a":2}', '{"a":"it\'s \\"é\\"","n":1e400}', '{"a.b":1,"a":{"b":2}}', '{"a":"7"}', ""]
    rows = [["w", str(number), value] for number, value in enumerate(texts)]
    database.client.insert("leads_raw", rows, ["workspace_id", "lead_id", "metadata"])
    database.client.command("TRUNCATE TABLE schema_migrations")
    migrate(database.client, database.name)
    unreadable = "SELECT count() FROM leads WHERE isNull(accurateCastOrNull(metadata, 'JSON'))"
    eventually(lambda: database.client.command(unreadable) == 0)
    found = database.rows("SELECT metadata::JSON.unreadable::String, metadata FROM leads ORDER BY lead_id")
    assert [text for text, _ in found] == [*texts[:3], "", ""]
    assert [metadata for _, metadata in found[3:]] == ['{"a":"7"}', "{}"]
    audited = {
        row["lead_id"]: row["metadata"] for row in read_rows(database.client, LEADS.view, LEADS.columns, None)
    }
    assert audited == {str(number): value or "{}" for number, value in enumerate(texts)}


@pytest.mark.parametrize("listed", [True, False], ids=["", "by a sink of the release before"])
def test_touches_are_those_that_an_audit_expects(database: Database, *, listed: bool) -> None:
    at = "2026-01-02T00:00:00.001Z"
    touches = [
        {
            "clickId": name,
            "clickTimestamp": at,
            "deferredAt": at,
            "linkId": link,
            "partnerId": "p",
            "programId": link,
        }
        for name, link in (("c1", "l"), ("c2", None))
    ]
    value = orjson.dumps({**orjson.loads(records.customer("u1")), **({"touches": touches} if listed else {})})
    row = customer_row(records.record("customers", value))
    assert row is not None
    stored = {name: one for name, one in zip(STATUS_COLUMNS, row, strict=True) if listed or name != "touches"}
    database.client.insert("customers_raw", [[*stored.values()]], [*stored])
    [found] = read_rows(database.client, CUSTOMERS.view, CUSTOMERS.columns, None)
    values = fields(CUSTOMERS.read(value))
    shown = {**found, "touches": tuple(found["touches"])}  # type: ignore[arg-type]
    assert {path: shown[column] for path, column in CUSTOMERS.columns.items()} == {
        path: as_stored(path, values[path]) for path in CUSTOMERS.columns
    }


async def test_migrating_from_many_places_at_once(clickhouse: LocalClickHouse, database: Database) -> None:
    """As the replicas of a deployment do when they start together."""
    name = f"{database.name}_together"

    def apply(_: int) -> None:
        client = connect(clickhouse.url)
        try:
            migrate(client, name)
        finally:
            client.close()

    try:
        with ThreadPoolExecutor(4) as threads:
            loop = asyncio.get_running_loop()
            await asyncio.gather(*(loop.run_in_executor(threads, apply, number) for number in range(4)))
        client = connect(f"{clickhouse.url.rsplit('/', 1)[0]}/{name}")
        assert pending(client) == []
        client.close()
    finally:
        database.client.command(f"DROP DATABASE IF EXISTS {name}")
