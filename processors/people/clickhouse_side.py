"""What ClickHouse has of a person. Queries go by our own id: the server's log is to name nobody."""

from collections.abc import Mapping
from typing import Any, Final
from zlib import crc32

from clickhouse_connect.driver.client import Client

from processors.clickhouse.queries import rows
from processors.people.identity import Person

_MOST: Final = 100
_COLUMNS: Final = {
    "customers": "status, deferred_at, qualified_at, leads, sales, click_id, link_id, partner_id",
    "leads": "lead_id, revision, event_name, timestamp, deferred_at, click_id, link_id, partner_id",
    "sales": "sale_id, revision, lead_id, lead_event_name, timestamp, amount, currency, invoice_id",
    "unmatched": "reason, detail, event_name, timestamp, click_id, source_topic, source_offset",
}
_RAW: Final = {
    "leads": "leads_raw WHERE customer_id = {id:String}",
    "revisions of leads": "lead_revisions_raw WHERE customer_id = {id:String}",
    "sales": "sales_raw WHERE customer_id = {id:String}",
    "customers": "customers_raw WHERE customer_id = {id:String}",
    "unmatched": "unmatched_raw WHERE customer_id = {id:String} AND reason != 'suppressed'",
    "dead letters": "dead_letters_raw WHERE has(customer_ids, {id:String})",
}


def shown(client: Client, person: Person) -> dict[str, list[dict[str, Any]]]:
    """By view, the newest rows of this customer, the latest first; of each no more than 100."""
    order = {"customers": "deferred_at"}
    found = {}
    for view, columns in _COLUMNS.items():
        sql = (
            f"SELECT {columns} FROM {view} "  # noqa: S608 - names of ours
            "WHERE workspace_id = {workspace:String} AND customer_id = {id:String} "
            f"ORDER BY {order.get(view, 'timestamp')} DESC LIMIT {_MOST}"
        )
        found[view] = rows(client, sql, {"workspace": person.workspace_id, "id": person.id})
    return found


def differing_in_case(client: Client, person: Person) -> list[str]:
    """Ids of this workspace that are the person's but for upper and lower case: other people, to the workers.

    Of customers with a touch, and of events that led to nothing. The server is asked for a checksum.
    """
    folded = person.external_id.lower()
    sql = " UNION DISTINCT ".join(
        f"SELECT customer_external_id AS id FROM {view} "  # noqa: S608 - names of ours
        "WHERE workspace_id = {workspace:String} AND customer_id != {id:String} "
        "AND CRC32(lowerUTF8(customer_external_id)) = {checksum:UInt32}"
        for view in ("customers", "unmatched")
    )
    checksum = crc32(folded.encode())
    parameters = {"workspace": person.workspace_id, "id": person.id, "checksum": checksum}
    found = {str(row["id"]) for row in rows(client, f"SELECT id FROM ({sql}) LIMIT {_MOST}", parameters)}  # noqa: S608
    return sorted(one for one in found if one.lower() == folded)


def stored(client: Client, person: Person) -> Mapping[str, int]:
    """Rows of this customer that an erasure deletes, old versions and hidden ones included."""
    return {
        name: int(rows(client, f"SELECT count() AS rows FROM {source}", {"id": person.id})[0]["rows"])  # noqa: S608
        for name, source in _RAW.items()
    }


def is_erased(client: Client, person: Person) -> bool:
    """True when ClickHouse knows of the erasure, and its views hide the person."""
    sql = "SELECT count() AS rows FROM erased_raw WHERE customer_id = {id:String}"
    return bool(rows(client, sql, {"id": person.id})[0]["rows"])
