"""What Tab offers."""

import pytest

from processors.clickhouse.completion import completions
from processors.clickhouse.vocabulary import Vocabulary

VOCABULARY = Vocabulary({"leads": ["lead_id", "partner_id"], "sales": ["amount", "partner_id"]})


def offered(before: str) -> list[str]:
    return [one.text for one in completions(before, VOCABULARY)]


def test_views_after_from() -> None:
    assert {"leads", "sales", "clicks"} <= {*offered("SELECT * FROM ")}
    assert offered("select * from le") == ["leads", "lead_revisions"]
    assert offered("SELECT * FROM top") == [
        "top_links(workspace = '', start = '', end = '', timezone = 'UTC')"
    ]
    assert "partner_id" not in offered("SELECT * FROM ")


@pytest.mark.parametrize(
    ("before", "there", "absent"),
    [
        ("SELECT pa", "partner_id", "amount"),
        ("SELECT * FROM sales WHERE am", "amount", "lead_id"),
        ("SELECT lead_id FROM sales; SELECT lea", "lead_id", "amount"),
        ("wh", "WHERE", "WHEN THEN"),
        ("SELECT toSt", "toStartOfDay(", "toDate("),
    ],
)
def test_columns_and_words(before: str, there: str, absent: str) -> None:
    found = offered(before)
    assert there in found
    assert absent not in found


def test_only_columns_of_what_is_named() -> None:
    assert "lead_id" not in offered("SELECT * FROM sales WHERE l")


@pytest.mark.parametrize("before", ["", "SELECT ", "SELECT 'le", "-- le", "/* le"])
def test_nothing_where_nothing_is_begun(before: str) -> None:
    assert offered(before) == []
