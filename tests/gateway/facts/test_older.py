"""What ClickHouse is asked, and what is made of its silence."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from pydantic import SecretStr

from deploy.local.clickhouse import LocalClickHouse
from processors.clickhouse.connection import open_clickhouse
from processors.clickhouse.migrations import bring_up_to_date
from processors.gateway.facts import older as older_module
from processors.gateway.facts.entries import ClickEntry, SaleEntry
from processors.gateway.facts.older import ERASED, Older, Registered
from processors.gateway.known import KnownLink, Uncertain
from processors.settings import Settings
from schemas.ids import customer_id, lead_id, sale_id
from tests.registry.links import link
from tests.stoppable import freeze

pytestmark = pytest.mark.integration
_LINK = KnownLink("link_1", "go.acme.com", "x", "https://acme.com", "pn_1", None, None, None)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalClickHouse]:
    """One that may be stopped."""
    with LocalClickHouse(tmp_path_factory.mktemp("clickhouse")) as server:
        yield server


@pytest.fixture(scope="module")
def settings(server: LocalClickHouse) -> Settings:
    found = Settings(clickhouse_url=SecretStr(f"{server.url.rsplit('/', 1)[0]}/older"))
    bring_up_to_date(found)
    return found


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    client = open_clickhouse(settings)
    yield client
    client.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with much else to do, an answer may take longer than a gateway waits for it."""
    for name in ("_OPENING_S", "_PATIENCE_S", "_SILENCE_S"):
        monkeypatch.setattr(f"processors.gateway.facts.older.{name}", 60)
    monkeypatch.setitem(older_module._SETTINGS, "max_execution_time", 60)


def ask(
    settings: Settings,
    questions: Callable[[Older], Awaitable[object]],
    registered: Registered = lambda *_: None,
) -> object:
    async def run() -> object:
        older = Older(settings, registered)
        try:
            return await questions(older)
        finally:
            await older.close()

    return asyncio.run(run())


def insert_click(client: Client, click_id: str, at_ms: int) -> None:
    names = ["workspace_id", "click_id", "timestamp", "link_id", "domain", "key", "url", "partner_id"]
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    row = ["acme", click_id, at, "link_1", "go.acme.com", "x", "https://acme.com", "pn_1"]
    values = [*row, True, (~at_ms & (2**44 - 1)) << 20]
    client.insert("clicks_raw", [values], column_names=[*names, "track_conversion", "version"])


@pytest.mark.usefixtures("patient")
def test_a_click_is_found_and_the_earliest_of_its_id_counts(settings: Settings, client: Client) -> None:
    insert_click(client, "twice", 1_700_000_002_000)
    insert_click(client, "twice", 1_700_000_001_000)
    found = ask(settings, lambda older: older.click("acme", "twice"))
    assert found == ClickEntry(1_700_000_001_000, True, _LINK)
    assert ask(settings, lambda older: older.click("other", "twice")) is None


@pytest.mark.usefixtures("patient")
def test_of_a_registered_link_its_id_is_enough(settings: Settings, client: Client) -> None:
    for at_ms in (1_700_000_002_000, 1_700_000_001_000, 1_700_000_003_000):
        insert_click(client, "mixed", at_ms)

    async def questions(older: Older) -> tuple[object, ...]:
        found = await asyncio.gather(*(older.click("acme", one) for one in ("mixed", "nowhere")))
        return (*found, older.lookups)

    known = link(1, id="link_1")
    registered = ask(settings, questions, lambda *of: known if of == ("acme", "link_1") else None)
    assert registered == (ClickEntry(1_700_000_001_000, True, known), None, 1)
    others = ask(settings, questions, lambda *of: known if of == ("other", "link_1") else None)
    assert others == (ClickEntry(1_700_000_001_000, True, _LINK), None, 1)


@pytest.mark.usefixtures("patient")
def test_a_click_that_is_not_in_the_quick_table_is_found(settings: Settings, client: Client) -> None:
    insert_click(client, "slow", 1_700_000_001_000)
    client.command("TRUNCATE TABLE clicks_by_id")
    assert ask(settings, lambda older: older.click("acme", "slow")) == ClickEntry(
        1_700_000_001_000, True, _LINK
    )


NASTY = [
    *("'", "''", "\\", "\\'", "\\\\", '"', "`", "a'b\\", "');--", "{ids:String}", "$1", "%s", "]", "','"),
    *("\t", "\n", "\r", "\0", "\b", "\x7f", "\\t", "\\N", "NULL", "\x1f", "é", "\u2028", "\U0001f600", " a "),
]


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("text", NASTY)
def test_whatever_is_asked_for_breaks_no_question_of_others(
    settings: Settings, client: Client, text: str
) -> None:
    """Questions that meet are asked together: what one caller sends must not end the others'."""
    insert_click(client, "plain", 1_700_000_000_000)
    insert_click(client, f"nasty {text}", 1_700_000_000_000)

    async def questions(older: Older) -> None:
        plain, same, other, person, sale, lead = await asyncio.gather(
            older.click("acme", "plain"),
            older.click("acme", f"nasty {text}"),
            older.click("acme", text),
            older.customer("acme", text),
            older.sale("acme", text, text),
            older.has_lead("acme", text, text),
        )
        assert plain is not None
        assert same is not None
        assert (other, person, sale, lead) == (None, None, None, False)
        assert older.failures == 0

    ask(settings, questions)


@pytest.mark.usefixtures("patient")
def test_questions_that_meet_are_asked_together_and_what_was_found_is_remembered(
    settings: Settings, client: Client
) -> None:
    for number in range(50):
        insert_click(client, f"many{number}", 1_700_000_000_000 + number)

    async def questions(older: Older) -> None:
        names = [f"many{number}" for number in range(50)]
        found = await asyncio.gather(*(older.click("acme", name) for name in [*names, *names]))
        assert [one.at_ms - 1_700_000_000_000 for one in found if one] == [*range(50), *range(50)]
        assert older.lookups <= 2
        before = older.lookups
        await older.click("acme", "many7")
        assert older.lookups == before

    ask(settings, questions)


@pytest.mark.usefixtures("patient")
def test_customers_sales_and_leads_are_found(settings: Settings, client: Client) -> None:
    ids = customer_id("acme", "ann"), sale_id("acme", "ann", "inv-1"), lead_id("acme", "ann", "sign-up")
    client.command(
        "INSERT INTO customers_raw (workspace_id, customer_external_id, customer_id, status, customer_name,"
        " click_id, deferred_at, version) VALUES ('acme', 'ann', {id:String}, 'qualified', 'Ann', 'c1',"
        " '2026-01-02 00:00:00', 1)",
        parameters={"id": ids[0]},
    )
    client.command(
        "INSERT INTO sales_raw (workspace_id, sale_id, customer_id, amount, currency, event_name, timestamp,"
        " metadata) VALUES ('acme', {id:String}, {customer:String}, 500, 'usd', 'Purchase',"
        " '2026-01-02 00:00:00', '')",
        parameters={"id": ids[1], "customer": ids[0]},
    )
    client.command(
        "INSERT INTO leads_raw (workspace_id, lead_id, customer_id) "
        "VALUES ('acme', {id:String}, {customer:String})",
        parameters={"id": ids[2], "customer": ids[0]},
    )

    async def questions(older: Older) -> None:
        found = await older.customer("acme", "ann")
        assert found == older.cached_customer("acme", "ann")
        assert (found.name, found.requested, found.click_id) == ("Ann", True, "c1")  # type: ignore[union-attr]
        assert await older.customer("acme", "nobody") is None
        sale = await older.sale("acme", "ann", "inv-1")
        assert sale == SaleEntry(1_767_312_000_000, 500, "usd", "Purchase", "", "{}")
        assert await older.sale("acme", "ann", "inv-2") is None
        assert await older.has_lead("acme", "ann", "sign-up")
        assert not await older.has_lead("acme", "ann", "other")

    ask(settings, questions)


@pytest.mark.usefixtures("patient")
def test_who_was_erased_is_erased(settings: Settings, client: Client) -> None:
    erased = customer_id("acme", "gone")
    client.command("INSERT INTO erased_raw VALUES ({id:String}, 1)", parameters={"id": erased})
    client.command(
        "INSERT INTO customers_raw (workspace_id, customer_external_id, customer_id) "
        "VALUES ('acme', 'gone', {id:String})",
        parameters={"id": erased},
    )
    assert ask(settings, lambda older: older.customer("acme", "gone")) is ERASED


def test_what_does_not_answer_says_nothing(
    server: LocalClickHouse, settings: Settings, client: Client
) -> None:
    insert_click(client, "there", 1_700_000_001_000)

    async def questions(older: Older) -> None:
        assert await older.click("acme", "there") is not None
        come_back = freeze(server)
        try:
            answers = await asyncio.gather(
                older.click("acme", "absent"), older.customer("acme", "absent"), return_exceptions=True
            )
            assert [type(one) for one in answers] == [Uncertain, Uncertain]
            assert await older.click("acme", "there") is not None
        finally:
            come_back()
        assert older.failures == 2
        while True:
            try:
                assert await older.click("acme", "absent") is None
                break
            except Uncertain:
                continue

    ask(settings, questions)


def test_a_server_that_was_never_there_says_nothing(tmp_path: Path) -> None:
    nowhere = Settings(clickhouse_url=SecretStr("http://127.0.0.1:1/older"), data_dir=tmp_path)
    with pytest.raises(Uncertain):
        ask(nowhere, lambda older: older.click("acme", "any"))
