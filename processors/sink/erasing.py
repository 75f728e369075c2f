"""Erased customers in ClickHouse: who they are, and that their rows are deleted.

Commands stay in the server's log and in ``system.mutations``. Those here name nobody: they know customers by
our own hashed ids, and most of them not even by those.
"""

from collections.abc import Sequence
from typing import Final

from clickhouse_connect.driver.client import Client

_ERASED: Final = "(SELECT customer_id FROM erased_raw)"

ERASED_ROWS: Final = {
    "leads_raw": f"customer_id IN {_ERASED}",
    "sales_raw": f"customer_id IN {_ERASED}",
    "customers_raw": f"customer_id IN {_ERASED}",
    "unmatched_raw": f"reason != 'suppressed' AND customer_id IN {_ERASED}",
    "dead_letters_raw": f"arrayExists(one -> one IN {_ERASED}, customer_ids)",
}
"""By table, the rows that an erasure deletes: those that the views hide."""

_ASKED: Final = 500
"""Ids in one query: they travel in the address of the request."""


def erased_among(client: Client, persons: Sequence[str]) -> set[str]:
    """Those of these customers who were erased."""
    found: set[str] = set()
    for start in range(0, len(persons), _ASKED):
        answer = client.query(
            "SELECT customer_id FROM erased_raw WHERE customer_id IN {persons:Array(String)}",
            parameters={"persons": list(persons[start : start + _ASKED])},
        )
        found.update(str(row[0]) for row in answer.result_rows)
    return found


def delete_erased(client: Client) -> None:
    """Have the server delete every row of an erased customer.

    It does so in its own time, also after a restart. Rows that come later are not deleted.
    """
    for table, condition in ERASED_ROWS.items():
        client.command(
            f"ALTER TABLE {table} DELETE WHERE {condition}",
            settings={"mutations_sync": 0, "allow_nondeterministic_mutations": 1},
        )
