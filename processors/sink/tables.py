"""Which topic fills which table."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiokafka import ConsumerRecord

from processors.sink import click_rows, refusal_rows, result_rows
from processors.sink.rows import Row
from schemas.topics import Topic


@dataclass(frozen=True)
class Table:
    """A table behind a view, filled by one topic.

    ``row`` makes a row of a record, or None: there is nothing to store. It raises one of ``rows.UNREADABLE``
    for a record that is none of what the topic holds.
    """

    topic: Topic
    name: str
    columns: tuple[str, ...]
    row: Callable[[ConsumerRecord], Row | None]


def _epoch_ms() -> int:
    return time.time_ns() // 1_000_000


TABLES: Final = (
    Table(Topic.CLICKS, "clicks_raw", click_rows.CLICK_COLUMNS, click_rows.click_rows(_epoch_ms)),
    Table(Topic.LEADS, "leads_raw", result_rows.LEAD_COLUMNS, result_rows.lead_row),
    Table(Topic.SALES, "sales_raw", result_rows.SALE_COLUMNS, result_rows.sale_row),
    Table(Topic.CUSTOMERS, "customers_raw", result_rows.STATUS_COLUMNS, result_rows.customer_row),
    Table(Topic.UNMATCHED, "unmatched_raw", refusal_rows.UNMATCHED_COLUMNS, refusal_rows.unmatched_row),
    Table(
        Topic.DEAD_LETTERS, "dead_letters_raw", refusal_rows.DEAD_LETTER_COLUMNS, refusal_rows.dead_letter_row
    ),
)
