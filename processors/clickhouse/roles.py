"""Who may do what in ClickHouse: a role for each kind of user, with the least rights that it can work with.

The views run with the rights of whoever migrated, so that nobody needs to read the tables behind them, where
the rows of an erased customer stand until the server has come to delete them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from processors.clickhouse.migrations import ANALYTICS, VIEWS
from processors.errors import Misconfigured

_ACCESS_DENIED, _NOWHERE_TO_KEEP_ROLES = 497, 514

_WHOSE: Final = {
    "erased_raw": "customer_id",
    "leads_raw": "customer_id",
    "lead_revisions_raw": "customer_id",
    "sales_raw": "customer_id",
    "customers_raw": "customer_id",
    "unmatched_raw": "customer_id, reason",
    "dead_letters_raw": "customer_ids",
}
"""Of each table, the columns that tell by our own hashed id whose a row is."""

_LOOKED_UP: Final = (
    "workspace_id, click_id, timestamp, track_conversion, link_id, domain, key, url, partner_id, program_id, "
    "tenant_id, link_external_id, precedence"
)
"""Of a click, what a gateway answers with: the columns of clicks_by_id, which may have fewer clicks."""


@dataclass(frozen=True)
class Writes:
    """What whoever stores the results does to tables, by their names."""

    inserted_into: Collection[str]
    deleted_from: Collection[str]


class GrantsRefused(Misconfigured):
    """The server does not let this user make roles; ``str()`` says what to do."""

    def __init__(self) -> None:
        super().__init__(
            "this user may not make roles, or ClickHouse keeps its users in files: have an administrator "
            "run these statements, or put their privileges into <grants> of users.xml"
        )


@dataclass(frozen=True)
class Limits:
    """What one query may use: at most, and by default."""

    seconds: int
    bytes_of_memory: int
    rows_read: int

    def settings(self) -> Mapping[str, int]:
        """As ClickHouse calls them."""
        return {
            "max_execution_time": self.seconds,
            "max_memory_usage": self.bytes_of_memory,
            "max_rows_to_read": self.rows_read,
        }


LIMITS: Final = Limits(seconds=60, bytes_of_memory=4 << 30, rows_read=1_000_000_000)
"""Of whoever answers people. A query of theirs may ask for less, and not for 0, which would be without end.
One that would take more fails as ``query_errors.QueryTooLarge``."""
LIMITED: Final = ("reader", "gateway")


def roles(database: str, writes: Writes) -> Mapping[str, Sequence[str]]:
    """By role, the privileges that it has on the database, as GRANT takes them.

    ``reader``: analysts, dashboards. ``writer``: the sink. ``operator``: ``leadstream audit``, ``erase``,
    ``trace``, ``doctor``. ``gateway``: the gateways. ``migrator``: ``leadstream migrate``, and what the views
    may read.
    """

    def on(privilege: str, *tables: str) -> list[str]:
        return [f"{privilege} ON `{database}`.{table}" for table in tables]

    read = on("SELECT", *VIEWS, *ANALYTICS)
    whose = [one for table, columns in _WHOSE.items() for one in on(f"SELECT({columns})", table)]
    return {
        f"{database}_reader": read,
        f"{database}_writer": [
            *on("INSERT", *writes.inserted_into),
            *on("ALTER DELETE", *writes.deleted_from),
            *whose,
            # What is known of a click that is sent again.
            *on("SELECT(workspace_id, click_id, timestamp, precedence)", "clicks_by_id"),
            "SELECT ON system.mutations",
        ],
        f"{database}_operator": [
            *read,
            *on("SELECT", "schema_migrations", "schema_views"),
            *whose,
            # What gateways look up, for an audit.
            *on("SELECT", "clicks_by_id"),
            *on(f"SELECT({_LOOKED_UP})", "clicks_raw"),
        ],
        f"{database}_gateway": [
            *read,
            *on("SELECT", "clicks_by_id"),
            *on(f"SELECT({_LOOKED_UP})", "clicks_raw"),
            *on("SELECT(customer_id)", "erased_raw"),
        ],
        f"{database}_migrator": [
            *on("SELECT, INSERT, ALTER, CREATE, DROP, TRUNCATE, OPTIMIZE, SHOW", "*"),
            # Before a table takes the place of another: which rows were copied, and who still inserts.
            *(f"SELECT ON system.{table}" for table in ("parts", "processes")),
            # Of servers that ask for it.
            *(f"TABLE ENGINE ON {engine}" for engine in ("Atomic", "ReplacingMergeTree")),
        ],
    }


def statements(database: str, writes: Writes) -> list[str]:
    """What makes the roles what they should be, whatever they were. No user is named."""
    grants = [
        statement
        for role, privileges in roles(database, writes).items()
        for statement in (
            f"CREATE ROLE IF NOT EXISTS `{role}`",
            f"GRANT {', '.join(privileges)} TO `{role}` WITH REPLACE OPTION",
        )
    ]
    limits = ", ".join(f"{name} = {most} MIN 1 MAX {most}" for name, most in LIMITS.settings().items())
    limited = ", ".join(f"`{database}_{role}`" for role in LIMITED)
    return [*grants, f"CREATE SETTINGS PROFILE OR REPLACE `{database}_limits` SETTINGS {limits} TO {limited}"]


def grant(client: Client, database: str, writes: Writes) -> None:
    """Apply :func:`statements`; may be repeated. Raises :class:`GrantsRefused`."""
    try:
        for statement in statements(database, writes):
            client.command(statement)
    except DatabaseError as error:
        if error.code in (_ACCESS_DENIED, _NOWHERE_TO_KEEP_ROLES):
            raise GrantsRefused from error
        raise
