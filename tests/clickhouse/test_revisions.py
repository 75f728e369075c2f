"""What late events have changed, and what led to nothing, against tables computed by hand."""

from datetime import datetime, timedelta
from typing import Final

import pytest

from processors.clickhouse.migrations import views
from processors.settings import Settings
from tests.clickhouse.database import Database
from tests.clickhouse.test_analytics import JANUARY, add, at

pytestmark = pytest.mark.integration

_AT: Final = at("2026-01-10T12:00Z")


def emit(database: Database, revision: int, emitted_at: datetime, **fields: object) -> None:
    row = {
        "workspace_id": "w",
        "lead_id": "ld",
        "customer_id": "c",
        "timestamp": _AT,
        "partner_id": "p1",
        "revision": revision,
        "version": int(emitted_at.timestamp() * 1000) << 22,
        **fields,
    }
    add(database, "leads_raw", [tuple(row.values())], *row)


def test_every_revision_is_kept_once_and_the_lead_is_the_newest(database: Database) -> None:
    for revision, days in ((2, 2), (1, 0), (2, 2), (3, 3), (1, 0)):
        emit(database, revision, _AT + timedelta(days=days))
    assert database.rows("SELECT revision FROM leads") == [(3,)]
    assert database.rows("SELECT revision, emitted_at - timestamp FROM lead_revisions ORDER BY revision") == [
        (1, 0),
        (2, 2 * 86_400),
        (3, 3 * 86_400),
    ]


def test_an_erased_customer_has_no_revisions(database: Database) -> None:
    emit(database, 1, _AT)
    add(database, "erased_raw", [("c", 1)], "customer_id", "version")
    assert database.rows("SELECT * FROM lead_revisions") == []


def test_what_a_late_event_has_changed(database: Database) -> None:
    emit(database, 1, _AT, click_id="c2", link_id="l1", quantity=1)
    emit(database, 2, _AT + timedelta(days=3), click_id="c1", link_id="l1", quantity=1, partner_id="p2")
    emit(database, 3, at("2026-03-01T00:00Z"), click_id="c1", link_id="l1", quantity=4, partner_id="p2")
    emit(database, 1, _AT, lead_id="other")
    asked = "SELECT revision, changed, partner_id_before, partner_id, click_id_before, click_id, late_by"
    assert database.rows(f"{asked} FROM revisions({JANUARY})") == [
        (2, ["click", "partner"], "p1", "p2", "c2", "c1", 3 * 86_400)
    ]
    march = JANUARY.replace("2026-02-01", "2026-04-01")
    assert database.rows(f"SELECT revision, changed FROM revisions({march})") == [
        (3, ["quantity"]),
        (2, ["click", "partner"]),
    ]


def test_a_revision_whose_predecessor_is_not_known_tells_of_no_change(database: Database) -> None:
    emit(database, 5, _AT)
    assert database.rows(f"SELECT * FROM revisions({JANUARY})") == []


def test_late_is_what_was_published_after_the_hold(database: Database) -> None:
    hold = timedelta(milliseconds=Settings().hold)
    emit(database, 1, _AT + hold, lead_id="in time")
    emit(database, 1, _AT + hold + timedelta(milliseconds=1), lead_id="late")
    emit(database, 1, _AT, lead_id="changed")
    emit(database, 2, _AT + timedelta(days=5), lead_id="changed")
    assert database.rows(f"SELECT lead_id, revision, late_by FROM late_events({JANUARY})") == [
        ("changed", 2, 5 * 86_400),
        ("late", 1, 86_400),
    ]


def test_the_hold_of_the_view_is_the_default() -> None:
    (late,) = (one for one in views() if one.name == "late_events")
    assert f"INTERVAL {Settings().hold // 1000} SECOND" in late.text


def test_what_led_to_nothing_by_day_and_reason(database: Database) -> None:
    columns = ("workspace_id", "unmatched_id", "reason", "detail", "timestamp")
    rows = [
        ("w", "1", "no_touch", "nobody", at("2026-01-10T23:30Z")),
        ("w", "2", "no_touch", "nobody", at("2026-01-10T10:00Z")),
        ("w", "3", "bot", "a bot", at("2026-01-10T10:00Z")),
        ("w", "4", "bot", "a bot", at("2026-02-10T10:00Z")),
        ("v", "5", "bot", "a bot", at("2026-01-10T10:00Z")),
    ]
    add(database, "unmatched_raw", rows, *columns)
    dead = [("1", "w", "not_json", "no", at("2026-01-10T10:00Z"))]
    add(
        database,
        "dead_letters_raw",
        dead,
        *("dead_letter_id", "workspace_id", "reason", "detail", "source_timestamp"),
    )
    berlin = JANUARY.replace("UTC", "Europe/Berlin")
    asked = "SELECT toString(day), kind, reason, events, detail"
    assert database.rows(f"{asked} FROM not_counted({berlin})") == [
        ("2026-01-10", "dead letter", "not_json", 1, "no"),
        ("2026-01-10", "unmatched", "bot", 1, "a bot"),
        ("2026-01-10", "unmatched", "no_touch", 1, "nobody"),
        ("2026-01-11", "unmatched", "no_touch", 1, "nobody"),
    ]
