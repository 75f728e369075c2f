"""The demo ends with one person's way from a click to what a partner is owed, and with what to try next."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from processors.clickhouse.queries import rows

_LEAD: Final = """
    SELECT customer_name, customer_external_id, city, country, domain, key, partner_id, event_name, lead_id,
        click_timestamp, deferred_at, timestamp
    FROM leads WHERE workspace_id = {workspace:String} AND customer_external_id = {person:String}
    ORDER BY timestamp LIMIT 1
"""
_SALE: Final = """
    SELECT timestamp, amount, currency FROM sales
    WHERE workspace_id = {workspace:String} AND customer_external_id = {person:String}
    ORDER BY timestamp LIMIT 1
"""
_UNITS: Final = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))


def story_lines(client: Client, workspace: str, person: str) -> list[str]:
    """As ClickHouse has it, in lines of at most 80 columns; none when it has no lead and sale of ``person``:
    a small demo has nobody who came so far. Raises ``ClickHouseError``."""
    asked = {"workspace": workspace, "person": person}
    leads, sales = rows(client, _LEAD, asked), rows(client, _SALE, asked)
    return [*_told(leads[0], sales[0])] if leads and sales else []


def _told(lead: Mapping[str, Any], sale: Mapping[str, Any]) -> Iterator[str]:
    clicked, signed_up, qualified = lead["click_timestamp"], lead["deferred_at"], lead["timestamp"]
    name, partner = lead["customer_name"] or lead["customer_external_id"], lead["partner_id"]
    paid = f"{sale['amount'] / 100:,.2f} {sale['currency'].upper()}"
    yield f"one of them, {name}:"
    yield _step(clicked, f"clicked {lead['domain']}/{lead['key']} in {lead['city']}, {lead['country']}")
    yield _step(signed_up, f"signed up, {_later(signed_up - clicked)} later")
    yield _step(qualified, f"{lead['event_name']}, {_later(qualified - signed_up)} later: now it is a lead")
    yield _step(sale["timestamp"], f"paid {paid}")
    yield _step(None, f"{partner} is owed: the click was theirs")


def _step(at: datetime | None, text: str) -> str:
    return f"  {f'{at:%d %b %H:%M}' if at else '':<12}  {text}"


def _later(span: timedelta) -> str:
    """In the largest unit of which there are two, or else in minutes."""
    name, unit = next(((name, unit) for name, unit in _UNITS if span >= 2 * unit), _UNITS[-1])
    count = span // unit
    return f"{count} {name}{'' if count == 1 else 's'}"


def next_lines(command: str, gateway: str, workspace: str, person: str) -> list[str]:
    """To be pasted into another terminal as they are, in this directory. ``command``: how ``leadstream`` is
    called there. ``gateway``: its URL."""
    # Its id is one of ours, and has no quotes.
    where = f"customer_external_id = '{person}'"
    query = f"SELECT timestamp, event_name, partner_id FROM leads WHERE {where}"  # noqa: S608
    return [
        "look for yourself, in another terminal:",
        f"  {command} trace {workspace} {person}",
        f'  {command} sql "{query}"',
        f"  {gateway}/docs",
    ]
