"""A year of events of a hundred workspaces, made by the server itself."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from clickhouse_connect.driver.client import Client

WORKSPACES: Final = 100
LARGEST: Final = "w1"
SMALLER: Final = "w10"
_SHARE: Final = 0.3
_SLOTS: Final = 10_000
_BEGIN_MS: Final = 1_761_955_200_000
"""2025-11-01T00:00:00Z; the events end a year later."""
_YEAR_MS: Final = 365 * 86_400_000
_CHUNK: Final = 400_000


@dataclass(frozen=True)
class Traffic:
    """``events``: of which 92 % are clicks, 6 % leads and 2 % sales."""

    events: int

    @property
    def clicks(self) -> int:
        """How many."""
        return self.events * 92 // 100

    @property
    def leads(self) -> int:
        """How many; half as many customers more are pending."""
        return self.events * 6 // 100

    @property
    def sales(self) -> int:
        """How many."""
        return self.events * 2 // 100


def zipf() -> Sequence[float]:
    """Shares of the workspaces, by Zipf's law, of which the largest has 30 %."""
    low, high = 0.5, 3.0
    for _ in range(60):
        exponent = (low + high) / 2
        low, high = (exponent, high) if 1 / sum(_weights(exponent)) < _SHARE else (low, exponent)
    weights = _weights(low)
    return [one / sum(weights) for one in weights]


def _weights(exponent: float) -> Sequence[float]:
    return [place**-exponent for place in range(1, WORKSPACES + 1)]


def _slots() -> str:
    """Ten thousand places, of which each workspace has its share: one is drawn at a time."""
    reached = list(accumulate(zipf()))
    slots = (bisect_left(reached, (place + 0.5) / _SLOTS) + 1 for place in range(_SLOTS))
    return f"[{','.join(str(min(one, WORKSPACES)) for one in slots)}]"


_WHO: Final = """
    sipHash64(number, {salt}) AS drawn,
    'w' || toString(arrayElement({slots}, drawn % 10000 + 1)) AS workspace_id,
    -- The square of an even share: few links have most of the clicks.
    toUInt32(pow((drawn % 9973) / 9973, 2) * 60) AS link,
    workspace_id || '-l' || toString(link) AS link_id,
    workspace_id || '-p' || toString(link % 20) AS partner_id,
    arrayElement(['DE', 'US', 'FR', 'GB', 'IN', 'BR', 'IR', 'NP', 'AU'], drawn % 97 % 9 + 1) AS country,
    arrayElement(['Desktop', 'Mobile', 'Tablet'], drawn % 89 % 3 + 1) AS device,
    arrayElement(['Chrome', 'Safari', 'Firefox', 'Edge'], drawn % 83 % 4 + 1) AS browser,
    arrayElement(['t.co', 'google.com', '(direct)', 'news.example'], drawn % 79 % 4 + 1) AS referer,
    toDateTime64(0, 3, 'UTC') + toIntervalMillisecond({begin} + intDiv(number * {year}, {count})) AS clicked,
    clicked + toIntervalSecond(drawn % 71993) AS signed_up,
    signed_up + toIntervalSecond(toUInt32(pow((drawn % 9967) / 9967, 3) * 2592000)) AS qualified,
    'c' || toString(number) AS customer
"""

_CLICKS: Final = """
    INSERT INTO clicks_raw (workspace_id, click_id, timestamp, link_id, partner_id, domain, key, url,
        country, device, browser, referer, trigger, content_hash, version)
    SELECT workspace_id, lower(hex(sipHash64(drawn))), clicked, link_id, partner_id, 'go.example',
        toString(link), 'https://example.com/a/page', country, device, browser, referer, 'link', drawn,
        bitShiftLeft(17592186044415 - toUnixTimestamp64Milli(clicked), 20)
    FROM (SELECT {who} FROM numbers({first}, {rows}))
"""
_LEADS: Final = """
    INSERT INTO leads_raw (workspace_id, lead_id, revision, timestamp, deferred_at, event_name, quantity,
        customer_id, customer_external_id, click_id, click_timestamp, link_id, partner_id, country, device,
        browser, referer, version)
    SELECT workspace_id, 'ld_' || hex(drawn), 1, qualified, signed_up, 'Sign Up', 1, 'cus_' || customer,
        customer, lower(hex(sipHash64(drawn))), clicked, link_id, partner_id, country, device, browser,
        referer, bitShiftLeft(toUnixTimestamp64Milli(qualified), 22)
    FROM (SELECT {who} FROM numbers({first}, {rows}))
"""
_SALES: Final = """
    INSERT INTO sales_raw (workspace_id, sale_id, lead_id, revision, timestamp, deferred_at, event_name,
        quantity, amount, currency, customer_id, customer_external_id, click_id, click_timestamp, link_id,
        partner_id, country, device, browser, referer, version)
    SELECT workspace_id, 'sl_' || hex(drawn), 'ld_' || hex(drawn), 1, qualified, signed_up, 'Purchase', 1,
        drawn % 10000, if(drawn % 5 = 0, 'eur', 'usd'), 'cus_' || customer, customer,
        lower(hex(sipHash64(drawn))), clicked, link_id, partner_id, country, device, browser, referer, 1
    FROM (SELECT {who} FROM numbers({first}, {rows}))
"""
_CUSTOMERS: Final = """
    INSERT INTO customers_raw (workspace_id, status, deferred_at, qualified_at, leads, customer_id,
        customer_external_id, click_id, click_timestamp, link_id, partner_id, country, version)
    SELECT workspace_id, if(number % 3 = 2, 'pending', 'qualified'), signed_up,
        if(number % 3 = 2, NULL, qualified), number % 3 != 2, 'cus_' || customer, customer,
        lower(hex(sipHash64(drawn))), clicked, link_id, partner_id, country, 1
    FROM (SELECT number, {who} FROM numbers({first}, {rows}))
"""


def fill(client: Client, traffic: Traffic) -> None:
    """Insert all of it, in the order in which it happened."""
    slots = _slots()
    for statement, count, salt in (
        (_CLICKS, traffic.clicks, 1),
        (_LEADS, traffic.leads, 2),
        (_SALES, traffic.sales, 2),
        (_CUSTOMERS, traffic.leads * 3 // 2, 3),
    ):
        who = _WHO.format(salt=salt, slots=slots, begin=_BEGIN_MS, year=_YEAR_MS, count=count)
        for first in range(0, count, _CHUNK):
            rows = min(_CHUNK, count - first)
            # As a sink does it, so that a month is in several parts.
            client.command(statement.format(who=who, first=first, rows=rows))
