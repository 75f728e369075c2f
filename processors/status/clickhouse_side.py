"""What ClickHouse knows of a running system. Blocks."""

from typing import Final

from clickhouse_connect.driver.client import Client

from processors.clickhouse.connection import open_clickhouse
from processors.errors import Unavailable
from processors.settings import Settings
from processors.status.figures import Newest, Stored

_PATIENCE_S: Final = 10
_LEADS: Final = """
    SELECT count() AS leads, argMax(
        (toUnixTimestamp64Milli(timestamp), workspace_id, customer_external_id, event_name, key), timestamp
    ) AS newest FROM leads
"""
_PENDING: Final = "SELECT count() FROM customers WHERE status = 'pending'"


class ClickHouseSide:
    """Asks again and again, over one connection while that lasts. For one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None

    def stored(self) -> Stored:
        """Now. Raises ``LeadstreamError``, and the driver's errors."""
        if self._client is None:
            self._client = open_clickhouse(self._settings, patience_s=_PATIENCE_S)
        try:
            return _stored(self._client)
        except Exception:
            # One that has begun to fail may go on to: the next time begins anew.
            self.close()
            raise

    def close(self) -> None:
        """Harmless without a connection."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _stored(client: Client) -> Stored:
    answers = [client.query(sql).result_rows for sql in (_LEADS, _PENDING)]
    if not all(answers):
        # Seen of the embedded server whose disk is full: status 200, and not one row.
        raise Unavailable("ClickHouse answers without a result: its log says why")
    [(leads, newest)], [(pending,)] = answers
    return Stored(leads, pending, Newest(*newest) if leads else None)
