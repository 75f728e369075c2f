"""Which topic fills which table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiokafka import ConsumerRecord

from processors.sink import rows
from schemas.topics import Topic


@dataclass(frozen=True)
class Table:
    """A table behind a view. ``row`` makes a row of a record, or None: there is nothing to store."""

    topic: Topic
    name: str
    columns: tuple[str, ...]
    row: Callable[[ConsumerRecord], rows.Row | None]


TABLES: Final = (
    Table(Topic.CLICKS, "clicks_raw", rows.CLICK_ROW_COLUMNS, rows.click_row),
    Table(Topic.LEADS, "leads_raw", rows.LEAD_COLUMNS, rows.lead_row),
    Table(Topic.SALES, "sales_raw", rows.SALE_COLUMNS, rows.sale_row),
    Table(Topic.CUSTOMERS, "customers_raw", rows.STATUS_COLUMNS, rows.customer_row),
    Table(Topic.UNMATCHED, "unmatched_raw", rows.UNMATCHED_COLUMNS, rows.unmatched_row),
    Table(Topic.DEAD_LETTERS, "dead_letters_raw", rows.DEAD_LETTER_COLUMNS, rows.dead_letter_row),
)
