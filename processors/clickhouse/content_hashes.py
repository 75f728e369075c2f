"""Clicks that are stored without the hash of their content get it.

Releases before the migration 008 knew none: by time such a click stands under content 0, and the same click,
sent or replayed again, beside it under its hash. All that is hashed is in the row: nobody need wait for the
event, which may never come again. In its place a deleted row stays, so that a sink of such a release may
write the click once more.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from clickhouse_connect.driver.client import Client
from msgspec.structs import astuple

from schemas.clicks import content_hash
from schemas.results import ClickFacts
from schemas.texts import without_blanks

_KEPT: Final = ClickFacts.__struct_fields__[1:]
_KEY: Final = ("workspace_id", "timestamp", "click_id")
_DELETED: Final = {"content": 0, "version": 1 << 20, "is_deleted": 1}
"""It wins: see the migration 013."""
# From where it was left, once by a condition that the index does not see. in_clicks_raw: the version there.
_WITHOUT: Final = """
    SELECT * EXCEPT (content, is_deleted),
        toUInt64(bitOr(bitShiftLeft(17592186044415 - toUnixTimestamp64Milli(timestamp), 20), version))
            AS in_clicks_raw
    FROM clicks_by_time_raw FINAL
    PREWHERE content = 0
        AND (workspace_id, timestamp, click_id)
            > ({workspace_id:String}, {timestamp:DateTime64(3, 'UTC')}, {click_id:String})
        AND (
            workspace_id > {workspace_id:String}
            OR workspace_id = {workspace_id:String} AND timestamp >= {timestamp:DateTime64(3, 'UTC')}
        )
    ORDER BY workspace_id, timestamp, click_id LIMIT {most:UInt64}
"""
_AT_ONCE: Final = 10_000

_Click = Mapping[str, Any]


def add_content_hashes(client: Client, at_once: int = _AT_ONCE) -> int:
    """Returns of how many clicks. Blocks: where there are none, while one number of each click is read.

    May run beside sinks and beside itself, and be killed anywhere.
    """
    count = 0
    for clicks in _without(client, at_once):
        _store(client, clicks, [content_hash(_kept(click)) for click in clicks])
        count += len(clicks)
    return count


def _without(client: Client, at_once: int) -> Iterator[Sequence[_Click]]:
    last: _Click = {"workspace_id": "", "timestamp": datetime.fromtimestamp(0, UTC), "click_id": ""}
    while True:
        key = {name: last[name] for name in _KEY}
        clicks = list(client.query(_WITHOUT, parameters={**key, "most": at_once}).named_results())
        if not clicks:
            return
        yield clicks
        last = clicks[-1]


def _kept(click: _Click) -> tuple[Any, ...]:
    """As ``schemas.clicks.kept_of`` the event."""
    stored = ClickFacts(0, **{name: click[name] for name in _KEPT})
    return astuple(without_blanks(stored, _KEPT))[1:]


def _store(client: Client, clicks: Sequence[_Click], hashes: Sequence[int]) -> None:
    """By time first, and there at once with what deletes it: it is shown once at every moment."""
    pairs = list(zip(clicks, hashes, strict=True))
    by_time = [{**click, "content": content, "is_deleted": 0} for click, content in pairs]
    _insert(client, "clicks_by_time_raw", [*by_time, *map(_deleted, clicks)])
    by_id = [
        {**click, "content_hash": content, "version": click["in_clicks_raw"]} for click, content in pairs
    ]
    _insert(client, "clicks_raw", by_id)


def _deleted(click: _Click) -> _Click:
    blank = {name: type(value)() for name, value in click.items() if name not in _KEY}
    return {**click, **blank, **_DELETED}


def _insert(client: Client, table: str, rows: Sequence[_Click]) -> None:
    names = [name for name in rows[0] if name != "in_clicks_raw"]
    client.insert(
        table,
        [[row[name] for name in names] for row in rows],
        names,
        settings={"async_insert": 0, "max_partitions_per_insert_block": 0},
    )
