"""What ClickHouse shows: the views, as a user reads them."""

from collections.abc import Iterator, Mapping, Sequence

from clickhouse_connect.driver.client import Client

from processors.audit.results import TIMES, TOUCH_TIMES, TOUCHES, Row
from schemas.results import CustomerTouch


def read_rows(client: Client, view: str, columns: Mapping[str, str], workspace: str | None) -> Iterator[Row]:
    """Every row of a view by column, while the server sends them; ``columns`` by the field that each holds.

    Raises the driver's ``ClickHouseError``.
    """
    names = list(columns.values())
    for values in read_values(client, view, columns, workspace):
        yield dict(zip(names, values, strict=True))


def read_values(
    client: Client, source: str, columns: Mapping[str, str], workspace: str | None
) -> Iterator[Sequence[object]]:
    """The same, the values of each row in the order of the columns."""
    selected = [f"{_read(path, column)} AS {column}" for path, column in columns.items()]
    sql = f"SELECT {', '.join(selected)} FROM {source}{_of(workspace)}"  # noqa: S608 - names of our own
    with client.query_rows_stream(sql, parameters={"workspace": workspace}) as rows:
        yield from rows


def click_rows(client: Client, workspace: str | None) -> int:
    """About how many clicks are stored: more than the topic has events, where that keeps less."""
    sql = f"SELECT count(click_id) FROM clicks_raw{_of(workspace)}"  # noqa: S608 - names of our own
    return int(client.query(sql, parameters={"workspace": workspace}).result_rows[0][0])


def _of(workspace: str | None) -> str:
    return "" if workspace is None else " WHERE workspace_id = {workspace:String}"


def _read(path: str, column: str) -> str:
    """What tells a column's value as the results have it."""
    if path in TIMES:
        return f"toUnixTimestamp64Milli({column})"
    if path == TOUCHES:
        names = CustomerTouch.__struct_fields__
        values = [
            f"toUnixTimestamp64Milli(one.{name})" if name in TOUCH_TIMES else f"one.{name}" for name in names
        ]
        return f"arrayMap(one -> ({', '.join(values)}), {column})"
    if path == "metadata":
        # A text that ClickHouse cannot read as JSON stands in an object of its own (migration 010).
        wrapped = f"""startsWith({column}, '{{"unreadable":"{{')"""
        return f"if({wrapped}, JSONExtractString({column}, 'unreadable'), {column})"
    return column
