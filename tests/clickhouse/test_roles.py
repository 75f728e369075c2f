"""Each role can do its work, and nothing else."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.server import Command
from processors.audit.clicks import CLICK_TABLES
from processors.audit.rows import click_rows
from processors.cli.main import main
from processors.clickhouse.connection import connect
from processors.clickhouse.migrations import ANALYTICS, VIEWS, migrate, pending
from processors.clickhouse.query_limits import too_large
from processors.clickhouse.roles import LIMITED, LIMITS, roles, statements
from processors.sink.erasing import delete_erased, erased_among
from processors.sink.tables import TABLES, WRITES
from tests.conftest import eventually

pytestmark = pytest.mark.integration

DATABASE = "leadstream"
_ACCESS_DENIED, _BEYOND_A_BOUND = 497, 452
MOST_ROWS = 200_000


class WithRoles(LocalClickHouse):
    """Has a user for each role, named like it; and any user may come in over HTTP."""

    def _prepare(self, port: int) -> Command:
        command = super()._prepare(port)
        [users] = self.data_dir.rglob("users.xml")
        text = users.read_text().replace("</users>", f"{self._users()}</users>")
        users.write_text(text.replace("</profiles>", f"<limited>{self._limits()}</limited></profiles>"))
        [config] = self.data_dir.rglob("config.xml")
        handlers = re.compile("<http_handlers>.*</http_handlers>", re.DOTALL)
        config.write_text(handlers.sub("", config.read_text()))
        return command

    @staticmethod
    def _users() -> str:
        return "".join(
            f"<{role}><password>{role}</password><networks><ip>127.0.0.1</ip></networks>"
            f"<profile>{'limited' if role.rpartition('_')[2] in LIMITED else 'default'}</profile>"
            "<quota>default</quota><grants>"
            + "".join(f"<query>GRANT {privilege}</query>" for privilege in privileges)
            + f"</grants></{role}>"
            for role, privileges in roles(DATABASE, WRITES).items()
        )

    @staticmethod
    def _limits() -> str:
        """As the profile has them, of fewer rows."""
        limits = replace(LIMITS, rows_read=MOST_ROWS).settings().items()
        bounds = "".join(f"<{name}><min>1</min><max>{most}</max></{name}>" for name, most in limits)
        return (
            "".join(f"<{name}>{most}</{name}>" for name, most in limits)
            + f"<constraints>{bounds}</constraints>"
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WithRoles]:
    """Migrated by the migrator; two customers have a lead."""
    with WithRoles(tmp_path_factory.mktemp("roles")) as server:
        admin = connect(server.url)
        admin.command(f"CREATE DATABASE {DATABASE} ENGINE = Atomic")
        migrator = connect(url_of(server, "migrator"))
        migrate(migrator, DATABASE)
        assert migrate(migrator, DATABASE) == []
        migrator.close()
        for customer in ("cus_erased", "cus_other"):
            admin.command(
                f"INSERT INTO {DATABASE}.leads_raw (lead_id, customer_id, customer_external_id) "
                f"VALUES ('ld_{customer}', '{customer}', '{customer}')"
            )
        admin.close()
        yield server


def url_of(server: WithRoles, role: str) -> str:
    host = server.url.rpartition("@")[2].partition("/")[0]
    user = f"{DATABASE}_{role}"
    return f"http://{user}:{user}@{host}/{DATABASE}"


@pytest.fixture
def as_role(server: WithRoles) -> Iterator[Callable[[str], Client]]:
    clients: list[Client] = []

    def connected(role: str) -> Client:
        clients.append(connect(url_of(server, role)))
        return clients[-1]

    yield connected
    for client in clients:
        client.close()


def refused(client: Client, sql: str) -> bool:
    with pytest.raises(DatabaseError) as failure:
        client.query(sql)
    return failure.value.code == _ACCESS_DENIED


WINDOW = "workspace = 'w', start = '2026-01-01', end = '2026-02-01', timezone = 'UTC'"
CALLED = {
    "timeseries": f"{WINDOW}, granularity = 'day'",
    "partner_earnings": f"{WINDOW}, program = 'pg'",
    "reward_statement": "workspace = 'w', partner = 'pn', month = '2026-01'",
}


@pytest.mark.parametrize("role", ["reader", "operator", "gateway"])
def test_a_reader_sees_the_views_and_no_table(as_role: Callable[[str], Client], role: str) -> None:
    client = as_role(role)
    for view in VIEWS:
        client.query(f"SELECT * FROM {view}")
    for view in ANALYTICS:
        client.query(f"SELECT * FROM {view}({CALLED.get(view, WINDOW)})")
    assert client.command("SELECT count() FROM leads WHERE customer_external_id = 'cus_other'") == 1
    for table in TABLES:
        assert refused(client, f"SELECT * FROM {table.name}"), table.name
        assert refused(client, f"INSERT INTO {table.name} (version) VALUES (1)"), table.name
        assert refused(client, f"ALTER TABLE {table.name} DELETE WHERE 1"), table.name
    for other in ("processes", "mutations", "parts", "users"):
        assert refused(client, f"SELECT * FROM system.{other}"), other
    for column in ("customer_name", "customer_email", "customer_external_id"):
        assert refused(client, f"SELECT {column} FROM leads_raw"), column
    assert refused(client, "CREATE TABLE another (a UInt8) ENGINE = Memory")
    assert refused(client, "SELECT * FROM file('/etc/passwd')")
    assert refused(client, "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')")


@pytest.mark.parametrize("role", LIMITED)
def test_a_query_that_takes_too_much_is_ended(as_role: Callable[[str], Client], role: str) -> None:
    client = as_role(role)
    large = f"SELECT count() FROM numbers({MOST_ROWS + 1}) WHERE number % 3 = 1"
    for query, settings, limit in (
        (large, {}, "rows"),
        ("SELECT sleep(3)", {"max_execution_time": 1}, "time"),
        ("SELECT uniqExact(number) FROM numbers(100000)", {"max_memory_usage": 1_000_000}, "memory"),
    ):
        with pytest.raises(DatabaseError) as failure:
            client.query(query, settings=settings)
        found = too_large(failure.value)
        assert (found and found.limit) == limit
    for name, most in LIMITS.settings().items():
        for value in (0, most + 1):
            with pytest.raises(DatabaseError) as failure:
                client.query("SELECT 1", settings={name: value})
            assert failure.value.code == _BEYOND_A_BOUND, name
    assert as_role("operator").command(large)


def test_an_operator_reads_what_gateways_look_up(as_role: Callable[[str], Client]) -> None:
    for table in CLICK_TABLES:
        as_role("operator").query(f"SELECT {', '.join(table.columns)} FROM {table.source}")
    assert click_rows(as_role("operator"), None) == 0


def test_an_operator_sees_that_nothing_is_to_be_migrated(as_role: Callable[[str], Client]) -> None:
    assert pending(as_role("operator")) == []


def test_a_gateway_looks_up_clicks_and_who_was_erased(as_role: Callable[[str], Client]) -> None:
    gateway = as_role("gateway")
    gateway.query("SELECT click_id, url, precedence FROM clicks_by_id WHERE workspace_id = 'acme'")
    gateway.query("SELECT customer_id FROM erased_raw")
    assert refused(as_role("reader"), "SELECT click_id FROM clicks_by_id")


def test_a_writer_inserts_and_forgets_and_reads_nobodys_name(as_role: Callable[[str], Client]) -> None:
    writer = as_role("writer")
    for table in TABLES:
        writer.create_insert_context(table.name, column_names=list(table.columns))
    for table in TABLES:
        writer.insert(table.name, [[1]], column_names=["version"])
    for view in VIEWS:
        assert refused(writer, f"SELECT * FROM {view}"), view
    for table in TABLES:
        assert refused(writer, f"SELECT * FROM {table.name}"), table.name
    writer.insert("erased_raw", [["cus_erased", 1]], column_names=["customer_id", "version"])
    assert erased_among(writer, ["cus_erased", "cus_other"]) == {"cus_erased"}
    reader, operator = as_role("reader"), as_role("operator")
    assert reader.command("SELECT count() FROM leads WHERE customer_external_id = 'cus_erased'") == 0
    delete_erased(writer)
    left = "SELECT count() FROM leads_raw WHERE customer_id = 'cus_erased'"
    eventually(lambda: operator.command(left) == 0)
    assert operator.command("SELECT count() FROM leads_raw WHERE customer_id = 'cus_other'") == 1


def test_who_may_not_make_roles_is_shown_what_an_administrator_has_to_run(
    server: WithRoles, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEADSTREAM_CLICKHOUSE_URL", url_of(server, "migrator"))
    assert main(["migrate", "--grants"]) == 78
    shown = capsys.readouterr()
    assert shown.out.splitlines()[1:] == [f"{statement};" for statement in statements(DATABASE, WRITES)]
    assert "have an administrator run these statements" in shown.err


_KINDS = {
    "CREATE ROLE": "CreateRoleQuery",
    "GRANT": "GrantQuery",
    "CREATE SETTINGS PROFILE": "CreateSettingsProfileQuery",
}


def test_the_statements_are_what_clickhouse_understands(as_role: Callable[[str], Client]) -> None:
    client = as_role("migrator")
    for statement in statements("some-database", WRITES):
        kind = next(kind for begin, kind in _KINDS.items() if statement.startswith(begin))
        assert client.command(f"EXPLAIN AST {statement}") == kind
