"""A table's successor takes its place: other keys or another engine, the same rows.

Sinks go on inserting meanwhile, also those of the release before, and no row that was acknowledged may be
missing in the end. Several runs may do this at once, and any of them may be killed anywhere:

1. **copy** what is there into the successor. Killed: done again; the tables collapse by id.
2. **claim** the successor by giving it a name that no other run has. Whoever comes too late finds nothing
   under the old name and begins again. Killed: step 4 of the next run finds the table.
3. **exchange** the two, which is one step for the server. The claimed name now holds the predecessor.
4. **fold** into the table in use whatever a claimed name holds, this run's and those of dead ones: claim it
   once more, let the inserts end that were under way and may still go there, copy, drop.

Under the successor's own name is therefore never anything but a successor; when the table in use is like it,
nothing is left but step 4.
"""

import time
import uuid
from collections.abc import Sequence
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

_POLL_S = 0.05
GONE: Final = frozenset({60, 218})
"""UNKNOWN_TABLE, TABLE_IS_DROPPED: another run has replaced what this one was working on."""


class Overtaken(Exception):
    """Another run has taken the table that this one was working on: begin again."""


def exchange(client: Client, table: str, successor: str) -> None:
    """``successor``, which exists, takes the place of ``table`` with all its rows, and is then gone.

    Blocks for as long as copying takes. Raises :class:`Overtaken`, before or after the tables were exchanged.
    """
    try:
        if len(set(_layouts(client, table, successor))) > 1:
            copied = _parts(client, table)
            _copy(client, table, successor)
            claimed = _claim(client, successor, successor)
            client.command(f"EXCHANGE TABLES {table} AND {claimed}")
            _fold(client, table, claimed, copied)
        for left in _claimed(client, successor):
            _fold(client, table, _claim(client, left, successor))
        client.command(f"DROP TABLE IF EXISTS {successor}")
    except DatabaseError as error:
        if error.code in GONE:
            raise Overtaken from error
        raise


def _fold(client: Client, table: str, source: str, copied: Sequence[str] = ()) -> None:
    """``copied``: parts of ``source`` whose rows are in ``table`` already."""
    inserts_under_way_end(client, table)
    _copy(client, source, table, copied)
    # The server's bound is against mistakes: by default, it keeps what is larger than 50 GB.
    client.command(f"DROP TABLE {source}", settings={"max_table_size_to_drop": 0})


def _copy(client: Client, source: str, target: str, copied: Sequence[str] = ()) -> None:
    columns = ", ".join(_columns(client, source, target))
    client.command(
        f"INSERT INTO {target} ({columns}) SELECT {columns} FROM {source} "  # noqa: S608 - names of our own
        "WHERE NOT has({copied:Array(String)}, _part)",
        parameters={"copied": list(copied)},
        settings={"max_partitions_per_insert_block": 0},
    )


def _claim(client: Client, name: str, successor: str) -> str:
    claimed = f"{successor}_{uuid.uuid4().hex[:8]}"
    client.command(f"RENAME TABLE {name} TO {claimed}")
    return claimed


def _claimed(client: Client, successor: str) -> list[str]:
    found = client.query(
        "SELECT name FROM system.tables "
        "WHERE database = currentDatabase() AND startsWith(name, {name:String})",
        parameters={"name": f"{successor}_"},
    )
    return [str(row[0]) for row in found.result_rows]


def inserts_under_way_end(client: Client, table: str) -> None:
    """Blocks until then. An insert goes to the table that had the name when the insert began, and to the
    materialized views that the table had then."""
    under_way = client.query(
        "SELECT query_id FROM system.processes "
        "WHERE query_kind = 'Insert' AND position(query, {table:String}) > 0",
        parameters={"table": table},
    )
    waited_for = [str(row[0]) for row in under_way.result_rows]
    while waited_for and client.command(
        "SELECT count() FROM system.processes WHERE query_id IN {ids:Array(String)}",
        parameters={"ids": waited_for},
    ):
        time.sleep(_POLL_S)


def _layouts(client: Client, *tables: str) -> list[str]:
    """Engine and keys, without the settings, which may be changed at any time."""
    found = client.query(
        "SELECT engine_full FROM system.tables "
        "WHERE database = currentDatabase() AND has({names:Array(String)}, name)",
        parameters={"names": list(tables)},
    ).result_rows
    if len(found) < len(tables):
        raise Overtaken
    return [str(row[0]).partition(" SETTINGS ")[0] for row in found]


def _columns(client: Client, *tables: str) -> list[str]:
    """Those that can be inserted into each of them."""
    found = client.query(
        "SELECT name FROM system.columns "
        "WHERE database = currentDatabase() AND has({names:Array(String)}, table) "
        "AND default_kind NOT IN ('MATERIALIZED', 'ALIAS') GROUP BY name HAVING count() = {tables:UInt64}",
        parameters={"names": list(tables), "tables": len(tables)},
    ).result_rows
    if not found:
        raise Overtaken
    return [str(row[0]) for row in found]


def _parts(client: Client, table: str) -> list[str]:
    found = client.query(
        "SELECT name FROM system.parts "
        "WHERE active AND database = currentDatabase() AND table = {name:String}",
        parameters={"name": table},
    )
    return [str(row[0]) for row in found.result_rows]
