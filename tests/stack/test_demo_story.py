"""How the demo ends: what ClickHouse has of one person, and lines that can be pasted."""

import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from processors.stack import demo_story
from processors.stack.demo_story import next_lines, story_lines

CLICKED = datetime(2026, 11, 21, 14, 3, tzinfo=UTC)
LEAD = {
    "customer_name": "Amber Badger",
    "customer_external_id": "user_1_0",
    "city": "Amsterdam",
    "country": "NL",
    "domain": "go.acme.example",
    "key": "lantern-letter",
    "partner_id": "pn_lantern-letter",
    "event_name": "First meeting",
    "click_timestamp": CLICKED,
    "deferred_at": CLICKED + timedelta(minutes=12),
    "timestamp": CLICKED + timedelta(days=2, hours=3),
}
SALE = {"timestamp": CLICKED + timedelta(days=3), "amount": 4_900, "currency": "usd"}


def told(monkeypatch: pytest.MonkeyPatch, leads: list[Any], sales: list[Any]) -> list[str]:
    monkeypatch.setattr(
        demo_story, "rows", lambda _client, sql, _asked: leads if "FROM leads" in sql else sales
    )
    client: Any = None
    return story_lines(client, "acme", "user_1_0")


def test_it_is_told_as_it_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, [LEAD], [SALE]) == [
        "one of them, Amber Badger:",
        "  21 Nov 14:03  clicked go.acme.example/lantern-letter in Amsterdam, NL",
        "  21 Nov 14:15  signed up, 12 minutes later",
        "  23 Nov 17:03  First meeting, 2 days later: now it is a lead",
        "  24 Nov 14:03  paid 49.00 USD",
        "                pn_lantern-letter is owed: the click was theirs",
    ]


@pytest.mark.parametrize(("leads", "sales"), [([], [SALE]), ([LEAD], [])])
def test_who_did_not_come_so_far_has_no_story(
    monkeypatch: pytest.MonkeyPatch, leads: list[Any], sales: list[Any]
) -> None:
    assert told(monkeypatch, leads, sales) == []


def test_the_lines_are_for_a_shell() -> None:
    _, trace, sql, docs = next_lines("bin/leadstream", "http://127.0.0.1:8787", "acme", "user_1_0")
    assert shlex.split(trace) == ["bin/leadstream", "trace", "acme", "user_1_0"]
    command, verb, query = shlex.split(sql)
    assert (command, verb) == ("bin/leadstream", "sql")
    assert query.endswith("WHERE customer_external_id = 'user_1_0'")
    assert docs.strip() == "http://127.0.0.1:8787/docs"
