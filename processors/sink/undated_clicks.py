"""Clicks without a time of their own, which count at their record's: sent again, they have another time.

Nothing is wrong with that, so a worker reports nothing. By time, though, both are there. Only for such clicks
ClickHouse is asked what it has under the clickId: to look a click up costs many times what storing it does.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from aiokafka import ConsumerRecord
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.external import ExternalData
from msgspec.json import Encoder

from processors.clickhouse.connection import is_embedded
from processors.sink.batch import TableBatch
from processors.sink.click_rows import CLICK_COLUMNS
from processors.sink.lost_clicks import Sent, deletion
from processors.sink.rows import Row
from processors.sink.tables import LOST_CLICKS
from schemas.decoding import decode_click

ClickKey = tuple[str, str]
"""Workspace and clickId."""

_ASKED: Final = 10_000
_ASKED_EMBEDDED: Final = 500
"""Without a server they are part of the statement."""
# Of several rows of a click, as long as they are not merged, all.
_STORED: Final = """
    SELECT workspace_id, click_id, toUnixTimestamp64Milli(timestamp),
        toUInt64(bitAnd(bitShiftRight(precedence, 20), 18446744073709551615))
    FROM clicks_by_id WHERE (workspace_id, click_id) IN
"""
_encode: Final = Encoder().encode_lines
_PLACES: Final = tuple(map(CLICK_COLUMNS.index, ("workspace_id", "click_id", "timestamp", "content_hash")))


async def lost_among(
    clicks: TableBatch, stored: Callable[[Iterable[ClickKey]], Awaitable[Sequence[Sent]]]
) -> TableBatch:
    """What deletes all that does not count of undated clicks, of those in the batch and of those ``stored``.

    To be stored before the clicks are: what they win against may then be gone from where it is looked for.
    """
    pairs = zip(map(_sent, clicks.rows), clicks.records, strict=True)
    records = {(one.workspace_id, one.click_id): record for one, record in pairs if _is_undated(one, record)}
    gone = [*_lost(records, clicks.rows, await stored(records))] if records else []
    of = [records[one.workspace_id, one.click_id] for one in gone]
    return TableBatch(LOST_CLICKS, [deletion(one) for one in gone], of)


def _lost(keys: Iterable[ClickKey], rows: Iterable[Row], stored: Iterable[Sent]) -> Iterator[Sent]:
    said: Mapping[ClickKey, set[Sent]] = {key: set() for key in keys}
    for one in (*map(_sent, rows), *stored):
        if (events := said.get((one.workspace_id, one.click_id))) is not None:
            events.add(one)
    for events in said.values():
        yield from sorted(events, key=_rank)[1:]


def stored(client: Client, keys: Sequence[ClickKey]) -> list[Sent]:
    """What ClickHouse has of these clicks: of each what counts, and maybe more."""
    ask, most = (_embedded, _ASKED_EMBEDDED) if is_embedded(client) else (_ask, _ASKED)
    parts = (keys[start : start + most] for start in range(0, len(keys), most))
    return [Sent(*row) for part in parts for row in ask(client, part)]


def _sent(row: Row) -> Sent:
    return Sent(*(row[place] for place in _PLACES))


def _rank(sent: Sent) -> tuple[int, int]:
    return sent.at_ms, -sent.content


def _is_undated(sent: Sent, record: ConsumerRecord) -> bool:
    if b'"timestamp"' not in record.value:
        return True
    click, _ = decode_click(record.value, record.timestamp, sent.at_ms)
    return click.timestamp is None


def _ask(client: Client, keys: Sequence[ClickKey]) -> Sequence[Sequence[Any]]:
    """They travel beside the statement, as ids of persons do (``erasing``)."""
    asked = ExternalData(
        file_name="asked",
        fmt="JSONCompactEachRow",
        structure="workspace_id String, click_id String",
        data=_encode(keys),
    )
    sql = f"{_STORED} (SELECT workspace_id, click_id FROM asked)"  # noqa: S608 - names of our own
    return client.query(sql, external_data=asked).result_rows


def _embedded(client: Client, keys: Sequence[ClickKey]) -> Sequence[Sequence[Any]]:
    sql = f"{_STORED} {{keys:Array(Tuple(String, String))}}"
    return client.query(sql, parameters={"keys": list(keys)}).result_rows
