"""Which topic fills which table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka import ConsumerRecord

from processors.clickhouse.roles import Writes
from processors.clock import epoch_ms
from processors.sink import click_rows, lost_clicks, refusal_rows, result_rows, reward_rows
from processors.sink.erasing import ERASED_ROWS
from processors.sink.rows import Row
from schemas.topics import Topic


def nobody(_: Row) -> Sequence[str]:
    """The row is about no customer."""
    return ()


def _customer(columns: tuple[str, ...]) -> Callable[[Row], Sequence[str]]:
    place = columns.index("customer_id")
    return lambda row: row[place : place + 1]


@dataclass(frozen=True)
class Table:
    """A table behind a view, filled by one topic.

    ``row`` makes a row of a record, or None: there is nothing to store. It raises one of ``rows.UNREADABLE``
    for a record that is none of what the topic holds. ``persons``: our own ids of the customers of a row;
    when one of them is erased, the row has to go.
    """

    topic: Topic
    name: str
    columns: tuple[str, ...]
    row: Callable[[ConsumerRecord], Row | None]
    persons: Callable[[Row], Sequence[str]] = nobody


ERASED: Final = Table(Topic.CUSTOMERS, "erased_raw", result_rows.ERASED_COLUMNS, result_rows.erased_row)
LAST_UNMATCHED: Final = Table(
    Topic.UNMATCHED,
    "unmatched_last_raw",
    refusal_rows.UNMATCHED_LAST_COLUMNS,
    refusal_rows.unmatched_last_row,
)
CLICKS: Final = Table(Topic.CLICKS, "clicks_raw", click_rows.CLICK_COLUMNS, click_rows.click_rows(epoch_ms))
LOST_CLICKS: Final = Table(
    Topic.UNMATCHED, "clicks_by_time_raw", lost_clicks.LOST_CLICK_COLUMNS, lost_clicks.conflict_row
)
"""The clicks themselves come into it from ``CLICKS``, within ClickHouse."""
HARMLESS_ROW: Final[Row] = ("", "", False, 0)
"""Of ``LAST_UNMATCHED``: nothing is wrong with it, and no view shows anything of it."""
TABLES: Final = (
    ERASED,
    CLICKS,
    *(
        Table(topic, name, columns, row, _customer(columns))
        for topic, name, columns, row in (
            (Topic.LEADS, "leads_raw", result_rows.LEAD_COLUMNS, result_rows.lead_row),
            (Topic.SALES, "sales_raw", result_rows.SALE_COLUMNS, result_rows.sale_row),
            (Topic.CUSTOMERS, "customers_raw", result_rows.STATUS_COLUMNS, result_rows.customer_row),
        )
    ),
    Table(
        Topic.UNMATCHED,
        "unmatched_raw",
        refusal_rows.UNMATCHED_COLUMNS,
        refusal_rows.unmatched_row,
        refusal_rows.unmatched_persons,
    ),
    LAST_UNMATCHED,
    LOST_CLICKS,
    Table(
        Topic.DEAD_LETTERS,
        "dead_letters_raw",
        refusal_rows.DEAD_LETTER_COLUMNS,
        refusal_rows.dead_letter_row,
        refusal_rows.dead_letter_persons,
    ),
    Table(Topic.REWARDS, "rewards_raw", reward_rows.REWARD_COLUMNS, reward_rows.reward_row),
    Table(Topic.REWARD_REFUSALS, "reward_refusals_raw", reward_rows.REFUSAL_COLUMNS, reward_rows.refusal_row),
)


def by_topic(name_of: Callable[[Topic], str]) -> Mapping[str, Sequence[Table]]:
    """What each topic fills, by the topic's full name."""
    return {name_of(topic): [one for one in TABLES if one.topic == topic] for topic in SINK_TOPICS}


SINK_TOPICS: Final = tuple(sorted({table.topic for table in TABLES}))
"""What sinks read."""
WRITES: Final = Writes(tuple(table.name for table in TABLES), tuple(ERASED_ROWS))
"""What a sink needs the rights for."""
