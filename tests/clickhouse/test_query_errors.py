"""What people are told of a query that ClickHouse refuses. The sentences of the server are real ones."""

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from processors.clickhouse import migrations
from processors.clickhouse.query_errors import refused
from processors.clickhouse.query_limits import too_large
from processors.clickhouse.vocabulary import Vocabulary

VOCABULARY = Vocabulary({"leads": ["customer_external_id"], "sales": ["amount"]})
_PARAMETERISED = ", ".join(migrations.ANALYTICS)
VIEWS = f"Views: {', '.join(migrations.VIEWS)}; with parameters: {_PARAMETERISED}."
EXPECTED = "Expected one of: FINAL, SAMPLE, PREWHERE, WHERE, GROUP BY, end of query."


def error(code: int, said: str, name: str) -> DatabaseError:
    """As the driver words it."""
    made = DatabaseError(
        f"Received ClickHouse exception, code: {code}, server response: Code: {code}. DB::Exception: {said}."
        f" ({name}) (version 26.9.2.1) (for url http://127.0.0.1:8123)"
    )
    made.code = code
    return made


@pytest.mark.parametrize(
    ("code", "said", "sql", "cause", "remedy"),
    [
        (
            60,
            "Unknown table expression identifier 'lead'. Maybe you meant leadstream.leads? In scope SELECT 1",
            "SELECT * FROM lead",
            "no table or view lead",
            f"Did you mean leads? {VIEWS}",
        ),
        (
            62,
            f"Syntax error: failed at position 26 (x) (line 3, col 6): x=1. {EXPECTED}",
            "SELECT * FROM\nleads\nWHER x=1",
            "syntax error in line 3, column 6, at x",
            "Did you mean WHERE rather than WHER?",
        ),
        (
            62,
            "Syntax error: failed at position 10 (end of query): (1. Unmatched parentheses",
            "SELECT (1",
            "syntax error in line 1, column 10, at the end: a parenthesis is not closed",
            "",
        ),
        (
            47,
            "Unknown expression identifier `customer_id_external`. In scope SELECT 1",
            "SELECT customer_id_external FROM leads",
            "no column customer_id_external",
            "Did you mean customer_external_id? `DESCRIBE leads` lists the columns.",
        ),
        (
            46,
            "Unknown table function funnle",
            "SELECT * FROM funnle(a = 1)",
            "no function funnle",
            f"Did you mean funnel? Views that take parameters: {_PARAMETERISED}.",
        ),
        (
            456,
            "Substitution `start` is not set",
            "SELECT * FROM funnel(workspace = 'a')",
            "the parameter start is missing",
            "Write funnel(workspace = '', start = '', end = '', timezone = 'UTC').",
        ),
        (
            164,
            "leadstream: Cannot execute query in readonly mode",
            "DROP VIEW leads",
            "leadstream sql only reads, so that nobody drops a table by accident",
            "`leadstream sql --write` does what the query says, as far as the user may.",
        ),
        (
            241,
            "Memory limit exceeded: would use 9 GiB: While processing x",
            "SELECT 1",
            "ClickHouse: Memory limit exceeded: would use 9 GiB (MEMORY_LIMIT_EXCEEDED)",
            "",
        ),
    ],
)
def test_cause_and_remedy(code: int, said: str, sql: str, cause: str, remedy: str) -> None:
    name = {241: "MEMORY_LIMIT_EXCEEDED"}.get(code, "A_NAME")
    told = refused(error(code, said, name), sql, lambda: VOCABULARY)
    assert told is not None
    assert (told.cause, told.remedy, told.exit_code) == (cause, remedy, 1)


def test_what_the_server_did_not_say_is_none() -> None:
    assert refused(DatabaseError("Connection refused"), "SELECT 1", lambda: VOCABULARY) is None


@pytest.mark.parametrize(
    ("code", "said", "name", "limit"),
    [
        (159, "Timeout exceeded: elapsed 1000.2 ms, maximum: 1000 ms", "TIMEOUT_EXCEEDED", "time"),
        (160, "Estimated query execution time (42 seconds) is too long. Maximum: 10", "TOO_SLOW", "time"),
        (
            158,
            "Limit for rows (controlled by 'max_rows_to_read' setting) exceeded, max rows: 1.00",
            "TOO_MANY_ROWS",
            "rows",
        ),
        (
            241,
            "Query memory limit exceeded: would use 12.01 MiB, maximum: 10.00 MiB: While executing X",
            "MEMORY_LIMIT_EXCEEDED",
            "memory",
        ),
        (
            241,
            "(total) memory limit exceeded: would use 12.01 GiB, maximum: 10.00 GiB",
            "MEMORY_LIMIT_EXCEEDED",
            None,
        ),
        (60, "Unknown table expression identifier 'lead'", "UNKNOWN_TABLE", None),
    ],
)
def test_a_query_that_is_too_large_is_told_from_a_server_that_is_busy(
    code: int, said: str, name: str, limit: str | None
) -> None:
    found = too_large(error(code, said, name))
    assert (found and found.limit) == limit
    if limit:
        told = refused(error(code, said, name), "SELECT 1", lambda: VOCABULARY)
        assert told is not None
        assert told.cause == f"this takes more {limit} than one query may have"
