"""Where a statement ends."""

import pytest

from processors.clickhouse.statements import finished, split, within_quotes


@pytest.mark.parametrize(
    ("text", "complete", "rest"),
    [
        ("SELECT 1", (), "SELECT 1"),
        ("SELECT 1;", ("SELECT 1",), ""),
        ("SELECT 1; SELECT 2 ;; ", ("SELECT 1", "SELECT 2"), ""),
        ("SELECT ';', \"a;b\", `c;d`; SELECT", ("SELECT ';', \"a;b\", `c;d`",), "SELECT"),
        (r"SELECT 'it\';s', 'it'';s';", (r"SELECT 'it\';s', 'it'';s'",), ""),
        ("SELECT 1 -- ; no\n;", ("SELECT 1 -- ; no",), ""),
        ("SELECT /* ; */ 1; -- the end", ("SELECT /* ; */ 1",), ""),
        ("# a comment;\n", (), ""),
        ("SELECT $$a;b$$, $x$;$x$;", ("SELECT $$a;b$$, $x$;$x$",), ""),
        ("SELECT 'open; ", (), "SELECT 'open;"),
        ("", (), ""),
        (" \n;", (), ""),
    ],
)
def test_semicolons_end_statements(text: str, complete: tuple[str, ...], rest: str) -> None:
    found = split(text)
    assert (found.complete, found.rest) == (complete, rest)
    assert found.all == (*complete, *([rest] if rest else []))
    assert finished(text) == (not rest)


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("SELECT 'a", True),
        ("SELECT 'a' ", False),
        ("SELECT 1 -- a", True),
        ("SELECT 1 -- a\n", False),
        ("/* a", True),
        ("", False),
    ],
)
def test_quotes_and_comments_are_known(text: str, within: bool) -> None:
    assert within_quotes(text) == within
