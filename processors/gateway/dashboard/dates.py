"""Days, as people write them."""

from datetime import date


def day(moment: date) -> str:
    """``30 Oct``."""
    return f"{moment.day} {moment:%b}"


def long_day(moment: date) -> str:
    """``Wednesday, 18 November``."""
    return f"{moment:%A}, {moment.day} {moment:%B}"


def span(first: date, last: date, today: date) -> str:
    """``30 Oct – 28 Nov``, with years where they are not this one."""
    if first == last:
        return _dated(first, today)
    if first.year == last.year:
        return f"{day(first)} – {_dated(last, today)}"
    return f"{day_of_year(first)} – {day_of_year(last)}"


def _dated(one: date, today: date) -> str:
    return day(one) if one.year == today.year else day_of_year(one)


def day_of_year(one: date) -> str:
    """``30 Oct 2025``."""
    return f"{day(one)} {one.year}"
