"""Erased customers in ClickHouse: who they are, and that their rows are deleted.

Commands stay in the server's log and in ``system.mutations``. Those here name nobody: they know customers by
our own hashed ids, and most of them not even by those.
"""

import logging
from collections.abc import Sequence
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData

from processors.clickhouse.connection import is_embedded

log = logging.getLogger(__name__)

_ERASED: Final = "(SELECT customer_id FROM erased_raw)"

ERASED_ROWS: Final = {
    "leads_raw": f"customer_id IN {_ERASED}",
    "lead_revisions_raw": f"customer_id IN {_ERASED}",
    "sales_raw": f"customer_id IN {_ERASED}",
    "customers_raw": f"customer_id IN {_ERASED}",
    "unmatched_raw": f"reason != 'suppressed' AND customer_id IN {_ERASED}",
    "dead_letters_raw": f"arrayExists(one -> one IN {_ERASED}, customer_ids)",
}
"""By table, the rows that an erasure deletes: those that the views hide."""

_ASKED: Final = 50_000
"""Ids in one query, some 2 MB: a batch of junk may name a hundred persons a record."""
_ASKED_EMBEDDED: Final = 500
"""Without a server they are part of the statement."""
_ACCESS_DENIED: Final = 497


def erased_among(client: Client, persons: Sequence[str]) -> set[str]:
    """Those of these customers who were erased."""
    found: set[str] = set()
    ask, most = (_embedded, _ASKED_EMBEDDED) if is_embedded(client) else (_ask, _ASKED)
    for start in range(0, len(persons), most):
        found.update(ask(client, persons[start : start + most]))
    return found


def _ask(client: Client, persons: Sequence[str]) -> Sequence[str]:
    """They travel beside the statement: in it, ten thousand take twenty times as long to be parsed."""
    asked = ExternalData(
        file_name="asked", fmt="TSV", structure="customer_id String", data="\n".join(persons).encode()
    )
    answer = client.query(
        "SELECT customer_id FROM erased_raw WHERE customer_id IN (SELECT customer_id FROM asked)",
        external_data=asked,
    )
    return [str(row[0]) for row in answer.result_rows]


def _embedded(client: Client, persons: Sequence[str]) -> Sequence[str]:
    answer = client.query(
        "SELECT customer_id FROM erased_raw WHERE customer_id IN {persons:Array(String)}",
        parameters={"persons": list(persons)},
    )
    return [str(row[0]) for row in answer.result_rows]


def count_erased(client: Client) -> int:
    """How many customers were ever erased."""
    return int(client.command("SELECT count() FROM erased_raw FINAL"))  # type: ignore[arg-type]


def delete_erased(client: Client) -> bool:
    """Have the server delete every row of an erased customer that is stored, in its own time.

    Nothing is done to a table that has none. False: a table is still at work on the deletion before, and gets
    no other one meanwhile; ask again.
    """
    complete = True
    for table, condition in ERASED_ROWS.items():
        if not _has(client, table, condition):
            continue
        if _is_deleting(client, table):
            complete = False
            continue
        client.command(
            f"ALTER TABLE {table} DELETE WHERE {condition}",
            settings={"mutations_sync": 0, "allow_nondeterministic_mutations": 1},
        )
    return complete


def _has(client: Client, table: str, condition: str) -> bool:
    """A user who may write but not read is taken for one whose table has such rows."""
    try:
        found = client.query(f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1")  # noqa: S608 - names of our own
    except DatabaseError as error:
        if error.code == _ACCESS_DENIED:
            return True
        raise
    return bool(found.result_rows)


def _is_deleting(client: Client, table: str) -> bool:
    under_way = client.query(
        "SELECT latest_fail_reason FROM system.mutations "
        "WHERE database = currentDatabase() AND table = {table:String} AND NOT is_done",
        parameters={"table": table},
    ).result_rows
    for reason in {str(row[0]).partition("\n")[0][:200] for row in under_way if row[0]}:
        log.warning("rows of erased customers cannot be deleted", extra={"table": table, "error": reason})
    return bool(under_way)
