"""What ClickHouse shows: the views, as a user reads them."""

from collections.abc import Iterator

from clickhouse_connect.driver.client import Client

from processors.audit.results import TIMES, Kind, Row


def read_rows(client: Client, kind: Kind, workspace: str | None) -> Iterator[Row]:
    """Every row of the kind's view, while the server sends them. Raises the driver's ``ClickHouseError``."""
    columns = [f"{_read(path, column)} AS {column}" for path, column in kind.columns.items()]
    where = "" if workspace is None else " WHERE workspace_id = {workspace:String}"
    names = list(kind.columns.values())
    sql = f"SELECT {', '.join(columns)} FROM {kind.view}{where}"  # noqa: S608 - names of our own
    with client.query_rows_stream(sql, parameters={"workspace": workspace}) as rows:
        for row in rows:
            yield dict(zip(names, row, strict=True))


def _read(path: str, column: str) -> str:
    """What tells a column's value as the results have it."""
    if path in TIMES:
        return f"toUnixTimestamp64Milli({column})"
    if path == "metadata":
        # A text that ClickHouse cannot read as JSON stands in an object of its own (migration 010).
        wrapped = f"""startsWith({column}, '{{"unreadable":"{{')"""
        return f"if({wrapped}, JSONExtractString({column}, 'unreadable'), {column})"
    return column
