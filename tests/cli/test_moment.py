"""Moments as people write them."""

import time

import click
import pytest

from processors.cli.parameters import MOMENT
from schemas.times import DAY_MS


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("1970-01-02", DAY_MS),
        ("1970-01-02T00:00:00.5Z", DAY_MS + 500),
        ("1970-01-02T01:00:00+01:00", DAY_MS),
    ],
)
def test_a_point_in_time(text: str, expected_ms: int) -> None:
    assert MOMENT.convert(text, None, None) == expected_ms


def test_so_long_ago() -> None:
    before_ms = time.time_ns() // 1_000_000
    assert 0 <= MOMENT.convert("2d", None, None) + 2 * DAY_MS - before_ms < 60_000


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "7 weeks", ""])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(click.BadParameter, match="2026-11-01T10:00Z"):
        MOMENT.convert(text, None, None)
