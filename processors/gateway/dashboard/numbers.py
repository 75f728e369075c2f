"""What is counted of each value, and whether there is anything at all."""

# ruff: noqa: S608 - what strangers say goes in as parameters; the rest is ours

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from processors.gateway.analytics import counts
from processors.gateway.analytics.counts import Counts
from processors.gateway.analytics.filters import CONVERSIONS, FIELDS
from processors.gateway.analytics.metadata import value_sql
from processors.gateway.analytics.scopes import Scope, within
from processors.gateway.asking import Ask

_ORDER: Final = "leads DESC, sign_ups DESC, clicks DESC"
_ORDER_OF_METADATA: Final = "leads DESC, sales DESC"


@dataclass(frozen=True)
class Group:
    """A value of a field, and what is counted of it."""

    value: str
    counts: Counts


@dataclass(frozen=True)
class Groups:
    """The first of ``there_are``, most leads first. ``named``: links by their ids, as people write them."""

    first: Sequence[Group]
    there_are: int
    named: Mapping[str, str]


async def groups(ask: Ask, scope: Scope, name: str, most: int) -> Groups:
    """By the field of this name."""
    found = await counts.groups(ask, scope, [FIELDS[name].sql], most, _ORDER)
    first = [Group(one.values[0], one.counts) for one in found.first]
    links = await _links(ask, scope, [one.value for one in first]) if name == "linkId" else {}
    return Groups(first, found.there_are, links)


async def by_metadata(ask: Ask, scope: Scope, key: str, most: int) -> counts.Groups:
    """Leads and sales by what is under a key of their metadata, "" where nothing is."""
    by = [value_sql("{metadata_key:String}")]
    return await counts.groups(
        ask, scope, by, most, _ORDER_OF_METADATA, CONVERSIONS, named={"metadata_key": key}
    )


async def _links(ask: Ask, scope: Scope, ids: Sequence[str]) -> dict[str, str]:
    sql = f"""
        SELECT link_id, any(concat(domain, '/', key)) FROM clicks
        WHERE workspace_id = {{workspace:String}} AND {within("timestamp")}
            AND link_id IN {{ids:Array(String)}}
        GROUP BY link_id
    """
    return {row[0]: row[1] for row in await ask(sql, {**scope.parameters, "ids": [*ids]})}


async def anything(ask: Ask, workspace_id: str) -> bool:
    """Has this workspace ever sent an event that led to something?"""
    where = "WHERE workspace_id = {workspace:String} LIMIT 1"
    tables = ("clicks", "customers", "leads")
    sql = " UNION ALL ".join(f"SELECT 1 FROM {table} {where}" for table in tables)
    return bool(await ask(sql, {"workspace": workspace_id}))
