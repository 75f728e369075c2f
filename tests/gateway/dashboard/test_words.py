"""Numbers, times and texts, as people read them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from processors.gateway.dashboard import words
from processors.gateway.dashboard.reasons import WORDS
from schemas.reasons import DeadLetterReason, UnmatchedReason


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (46_981, "46,981"),
        (999_999, "999,999"),
        (1_234_567, '<span title="1,234,567">1.23M</span>'),
        (999_999_999, '<span title="999,999,999">1.00B</span>'),
        (-5, "-5"),
    ],
)
def test_numbers(value: int, written: str) -> None:
    assert str(words.number(value)) == written


@pytest.mark.parametrize(
    ("share", "decimals", "written"),
    [
        (None, 1, "—"),
        (0, 1, "0.0%"),
        (0.0004, 1, "<0.1%"),
        (0.0005, 1, "0.1%"),
        (0.1328, 1, "13.3%"),
        (0.004, 0, "<1%"),
        (12.5, 1, "1,250.0%"),
    ],
)
def test_percentages(share: float | None, decimals: int, written: str) -> None:
    assert words.percent(share, decimals) == written


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (4_900, "usd", "$49.00"),
        (6_402_200, "USD", "$64,022"),
        (99_999, "eur", "€999.99"),
        (1_900, "chf", "19.00 CHF"),
        (1_900, "jpy", "1,900 JPY"),
        (1_900, "kwd", "1.900 KWD"),
        (-500, "usd", "−$5.00"),
        (0, "gbp", "£0.00"),
    ],
)
def test_money(minor: int, currency: str, written: str) -> None:
    assert words.money(minor, currency) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, "—"),
        (0, "0 s"),
        (-3, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (14 * 60, "14 min"),
        (3_569, "59 min"),
        (3_600, "1 h"),
        (8_640, "2.4 h"),
        (86_400, "1 day"),
        (4.1 * 86_400, "4.1 days"),
        (64 * 86_400, "64 days"),
        (9.97 * 86_400, "10 days"),
        (2_000 * 86_400, "2,000 days"),
    ],
)
def test_durations(seconds: float | None, written: str) -> None:
    assert words.duration(seconds) == written


@pytest.mark.parametrize(
    ("begin", "end", "written"),
    [
        (0, 60, "Under 1 min"),
        (60, 120, "1 – 2 min"),
        (30 * 60, 3_600, "30 min – 1 h"),
        (17 * 3_600, 34 * 3_600, "17 h – 1.4 days"),
        (86_400, 2 * 86_400, "1 – 2 days"),
        (32 * 86_400, 64 * 86_400, "32 – 64 days"),
    ],
)
def test_from_one_duration_to_another(begin: float, end: float, written: str) -> None:
    assert words.between(begin, end) == written


def test_moments() -> None:
    zone = ZoneInfo("Europe/Berlin")
    now = datetime(2026, 11, 28, 14, 32, 7, tzinfo=zone)
    assert ">14:32:07</time>" in words.moment(now, now)
    assert ">27 Nov 14:32</time>" in words.moment(now.replace(day=27), now)
    assert ">27 Nov 2025 14:32</time>" in words.moment(now.replace(year=2025, day=27), now)
    assert 'title="2026-11-28T14:32:07.000+01:00"' in words.moment(now, now)


@pytest.mark.parametrize(
    ("now", "before", "way", "written"),
    [(127, 119, "up", "6.7%"), (90, 100, "down", "10.0%"), (5, 5, "even", "the same"), (5, 0, "new", "new")],
)
def test_changes(now: int, before: int, way: str, written: str) -> None:
    found = words.change(now, before)
    assert found is not None
    assert (found.way, found.written) == (way, written)
    assert ("↑" in found.html) is (way == "up")


def test_nothing_after_nothing_is_no_change() -> None:
    assert words.change(0, 0) is None


def test_texts_are_escaped_isolated_and_cut() -> None:
    assert str(words.told("<b>")) == "<bdi>&lt;b&gt;</bdi>"
    long = "<" * 201
    found = str(words.told(long))
    assert found == f'<bdi title="{"&lt;" * 201}">{"&lt;" * 200}…</bdi>'


@pytest.mark.parametrize(
    ("name", "letters"), [("Ivory Lynx", "IL"), ("ada", "a"), ("", ""), ("A. B. Crane", "AC"), ("@ -", "")]
)
def test_initials(name: str, letters: str) -> None:
    assert words.initials(name) == letters


def test_every_reason_has_words() -> None:
    assert set(WORDS) == {*UnmatchedReason, *DeadLetterReason}
