"""The views that follow customers from click to payment, against numbers computed by hand."""

import math
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from tests.clickhouse.database import Database
from tests.clickhouse.test_analytics import JANUARY, add, add_clicks, at

pytestmark = pytest.mark.integration

_CUSTOMER: Final = (
    *("workspace_id", "customer_external_id", "customer_id", "status", "deferred_at", "qualified_at"),
    *("click_timestamp", "partner_id", "sales"),
)
_LEAD: Final = ("workspace_id", "lead_id", "customer_id", "timestamp", "click_timestamp", "deferred_at")
_SALE: Final = (
    *("workspace_id", "sale_id", "customer_id", "timestamp", "click_timestamp", "amount", "currency"),
)


def add_customer(
    database: Database,
    name: str,
    clicked: datetime,
    signed_up: datetime,
    qualified: datetime | None = None,
    *,
    partner: str = "",
    sales: int = 0,
) -> None:
    status = "pending" if qualified is None else "qualified"
    row = ("w", name, name, status, signed_up, qualified, clicked, partner, sales)
    add(database, "customers_raw", [row], *_CUSTOMER)


def three_customers(database: Database) -> None:
    """Ann clicked in December, and did all the rest in January; Bob qualified in February; Cyd waits."""
    december, january, february = at("2025-12-31T12:00Z"), at("2026-01-10T12:00Z"), at("2026-02-02T12:00Z")
    add_clicks(database, "2025-12-31T12:00Z", "2026-01-10T12:00Z", "2026-01-10T12:00Z", "2026-01-11T12:00Z")
    add_customer(database, "ann", december, january, january, sales=2)
    add_customer(database, "bob", january, january, february)
    add_customer(database, "cyd", january, january)
    leads = [
        ("w", "1", "ann", january, december, january),
        ("w", "2", "ann", january + timedelta(days=1), december, january),
        ("w", "3", "bob", february, january, january),
    ]
    add(database, "leads_raw", leads, *_LEAD)
    sales = [
        ("w", "1", "ann", january + timedelta(days=2), december, 500, "usd"),
        ("w", "2", "ann", january + timedelta(days=9), december, 700, "usd"),
    ]
    add(database, "sales_raw", sales, *_SALE)


def test_each_step_counts_its_own_events_of_the_window(database: Database) -> None:
    three_customers(database)
    assert database.rows(f"SELECT * FROM funnel_steps({JANUARY})") == [
        ("clicks", 3, 0, 1.0, 0.0),
        ("signed up", 3, 1, 1.0, 0.0),
        ("qualified", 1, 1, 1 / 3, 1 - 1 / 3),
        ("paid", 1, 1, 1.0, 0.0),
    ]


def test_a_cohort_is_the_clicks_of_the_window_and_what_became_of_them(database: Database) -> None:
    three_customers(database)
    assert database.rows(f"SELECT * FROM funnel_cohort({JANUARY})") == [
        ("clicks", 3, 0, 1.0, 0.0),
        ("signed up", 2, 1, 2 / 3, 1 - 2 / 3),
        ("qualified", 1, 1, 0.5, 0.5),
        ("paid", 0, 0, 0.0, 1.0),
    ]


def test_the_first_sale_of_a_customer_is_new_wherever_the_window_begins(database: Database) -> None:
    three_customers(database)
    bobs = [("w", "3", "bob", at("2026-01-20T00:00Z"), at("2026-01-01T00:00Z"), 900, "eur")]
    add(database, "sales_raw", bobs, *_SALE)
    assert database.rows(f"SELECT * FROM sales_kinds({JANUARY})") == [
        ("new", 2, 2, {"usd": 500, "eur": 900}),
        ("recurring", 1, 1, {"usd": 700}),
    ]
    later = JANUARY.replace("2026-01-01", "2026-01-13")
    assert database.rows(f"SELECT kind, sales FROM sales_kinds({later})") == [("new", 1), ("recurring", 1)]


def test_every_bucket_of_waiting_is_twice_as_long_as_the_one_before(database: Database) -> None:
    signed_up = at("2026-01-10T00:00Z")
    waited = (0, 59, 60, 119, 120, 239, 240, 86_400, 10 * 86_400)
    rows = [
        ("w", str(number), "c", signed_up + timedelta(seconds=one), signed_up, signed_up)
        for number, one in enumerate(waited)
    ]
    add(database, "leads_raw", rows, *_LEAD)
    assert database.rows(
        f"SELECT from_seconds, to_seconds, leads, lead_count FROM time_to_qualify({JANUARY})"
    ) == [
        (0, 60, 2, 2),
        (60, 120, 2, 2),
        (120, 240, 2, 2),
        (240, 480, 1, 1),
        (61_440, 122_880, 1, 1),
        (491_520, 983_040, 1, 1),
    ]


def test_partners_by_the_week_of_the_click(database: Database) -> None:
    """Monday is the fifth; in Tokyo the week begins nine hours earlier."""
    clicked = at("2026-01-04T16:00Z")
    rows = [("w", str(number), clicked, "p") for number in range(5)]
    add(database, "clicks_raw", rows, "workspace_id", "click_id", "timestamp", "partner_id")
    for name, days in (("ann", 7), ("bob", 8), ("cyd", 30)):
        add_customer(database, name, clicked, clicked, clicked + timedelta(days=days), partner="p")
    add_customer(database, "dan", clicked, clicked, partner="p")
    asked = "SELECT toString(week), partner_id, clicks, signed_up, qualified_7, qualified_14, qualified_30"
    assert database.rows(f"{asked} FROM partner_cohorts({JANUARY})") == [("2025-12-29", "p", 5, 4, 1, 2, 3)]
    tokyo = JANUARY.replace("UTC", "Asia/Tokyo")
    assert database.rows(f"{asked} FROM partner_cohorts({tokyo})") == [("2026-01-05", "p", 5, 4, 1, 2, 3)]


def test_a_week_that_is_too_young_is_null(database: Database) -> None:
    now = datetime.now(UTC)
    monday = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    for weeks in (0, 2, 3):
        clicked = monday - timedelta(weeks=weeks)
        add_customer(database, f"c{weeks}", clicked, clicked, clicked, partner="p")
    window = (
        f"workspace = 'w', start = '{monday - timedelta(weeks=9):%F}', end = '2100-01-01', timezone = 'UTC'"
    )
    found = database.rows(
        f"SELECT qualified_7, qualified_14, qualified_30 FROM partner_cohorts({window}) ORDER BY week"
    )
    assert found == [(1, 1, None), (1, None, None), (None, None, None)]


def test_who_waits_by_age_and_what_chance_is_left(database: Database) -> None:
    """Two qualified within the first day, two wait since two days, one after a hundred days, five wait
    for 350 days; one waits for longer than anybody may."""
    now = datetime.now(UTC)

    def days(count: float) -> datetime:
        return now - timedelta(days=count)

    for number in range(2):
        add_customer(database, f"quick{number}", days(200), days(200), days(199.5))
        add_customer(database, f"young{number}", days(2), days(2))
    add_customer(database, "late", days(200), days(200), days(100))
    for number in range(5):
        add_customer(database, f"old{number}", days(350), days(350))
    add_customer(database, "forgotten", days(500), days(500))
    window = "workspace = 'w', start = '2000-01-01', end = '2100-01-01', timezone = 'UTC'"
    found = {
        row[0]: row[1:]
        for row in database.rows(
            f"SELECT from_days, to_days, customers, share, chance, leaving FROM pending_by_age({window})"
        )
    }
    assert {age: row[1] for age, row in found.items() if row[1]} == {1: 2, 180: 5, 365: 1}
    assert (found[1][2], found[180][4], found[365][:2]) == (0.25, 5, (None, 1))
    # Of ten, eight came to one day; of six who came to ninety, one qualified.
    chances = {0: 1 - 0.8 * 5 / 6, 1: 1 / 6, 90: 1 / 6, 180: 0.0, 365: None}
    for age, expected in chances.items():
        chance = found[age][3]
        assert chance == expected or math.isclose(float(str(chance)), float(str(expected)), abs_tol=1e-9), age
