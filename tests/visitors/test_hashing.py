"""Who was here before."""

import re

from processors.visitors.hashing import visitor_hash, visitor_hashes

DAY = 86_400_000
HOUR = 3_600_000
NOW = 1_800_000_000_000 // DAY * DAY + 12 * HOUR
WHO = ("link_1", "198.51.100.1", "Mozilla/5.0")


def test_the_same_visitor_is_the_same_all_day() -> None:
    assert visitor_hash("salt", NOW, *WHO) == visitor_hash("salt", NOW + 11 * HOUR, *WHO)
    assert re.fullmatch("[0-9a-f]{24}", visitor_hash("salt", NOW, *WHO))


def test_everything_tells_visitors_apart() -> None:
    others = [
        visitor_hash("salt", NOW, *WHO),
        visitor_hash("other", NOW, *WHO),
        visitor_hash("", NOW, *WHO),
        visitor_hash("salt", NOW + DAY, *WHO),
        visitor_hash("salt", NOW, "link_2", *WHO[1:]),
        visitor_hash("salt", NOW, WHO[0], "198.51.100.2", WHO[2]),
        visitor_hash("salt", NOW, *WHO[:2], "Mozilla/5.1"),
        visitor_hash("salt", NOW, *WHO[:2], "\ud800"),
        visitor_hash("salt", NOW, "link_1198.51.100.1", "", WHO[2]),
    ]
    assert len(set(others)) == len(others)


def test_after_midnight_yesterday_counts_for_an_hour() -> None:
    midnight = NOW + 12 * HOUR
    yesterday = visitor_hash("salt", midnight - 1, *WHO)
    today = visitor_hash("salt", midnight, *WHO)
    assert visitor_hashes("salt", midnight - 1, HOUR, *WHO) == (yesterday,)
    assert visitor_hashes("salt", midnight, HOUR, *WHO) == (today, yesterday)
    assert visitor_hashes("salt", midnight + HOUR - 1, HOUR, *WHO) == (today, yesterday)
    assert visitor_hashes("salt", midnight + HOUR, HOUR, *WHO) == (today,)
