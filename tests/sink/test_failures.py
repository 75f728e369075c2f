import math
import struct

import pytest
from clickhouse_connect.driver.exceptions import (
    DatabaseError,
    DataError,
    OperationalError,
    ProgrammingError,
    StreamFailureError,
)

from deploy.local.clickhouse import LocalClickHouse
from processors.clickhouse.connection import connect
from processors.sink.error_codes import POISON, SMALLER, STOP, WAIT
from processors.sink.failures import PATIENCE_S, Verdict, cause, in_a_log, judge, kind, patience_s


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (OperationalError("refused"), Verdict.RETRY),
        (StreamFailureError("reset"), Verdict.RETRY),
        (DatabaseError("too many parts", code=252), Verdict.RETRY),
        (DatabaseError("Too many partitions for single INSERT block", code=252), Verdict.SPLIT),
        (DatabaseError("HTTP driver received HTTP status 413"), Verdict.SPLIT),
        (DatabaseError("memory", code=241), Verdict.RETRY),
        (DatabaseError("a code of the future", code=9999), Verdict.RETRY),
        (ConnectionResetError(), Verdict.RETRY),
        (TimeoutError(), Verdict.RETRY),
        (DataError("number out of range"), Verdict.POISON),
        (DatabaseError("type mismatch", code=53), Verdict.POISON),
        (DatabaseError("constraint", code=469), Verdict.POISON),
        (struct.error("int too large"), Verdict.POISON),
        (OverflowError("int too large"), Verdict.POISON),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), Verdict.POISON),
        (DatabaseError("unknown table", code=60), Verdict.STOP),
        (DatabaseError("readonly", code=164), Verdict.STOP),
        (ProgrammingError("Unrecognized column 'x' in table t"), Verdict.STOP),
        (KeyError("a bug"), Verdict.BUG),
        (RuntimeError("cannot schedule new futures after shutdown"), Verdict.BUG),
        (MemoryError(), Verdict.BUG),
    ],
)
def test_verdicts(error: Exception, verdict: Verdict) -> None:
    assert judge(error) is verdict
    assert cause(error)
    assert "\n" not in cause(error)


_SAID = (
    "Code: 469. DB::Exception: Constraint `c`: customer_email = 'ann@planted.example'. (VIOLATED_CONSTRAINT)"
)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DatabaseError(f"{_SAID} (version 26.8.1.5 (official build))", code=469), "469, VIOLATED_CONSTRAINT"),
        (DatabaseError("ann@planted.example", code=9999), "ClickHouse 9999"),
        (ValueError("could not convert 'ann@planted.example'"), "ValueError"),
        (DataError("no number: 'ann@planted.example'"), "DataError"),
        (DatabaseError("Table leadstream.leads_raw does not exist", code=60), "leads_raw does not exist"),
        (OperationalError("connection refused by clickhouse:8123"), "clickhouse:8123"),
    ],
)
def test_a_log_says_what_to_do_and_quotes_no_row(error: Exception, said: str) -> None:
    assert said in in_a_log(error)
    assert "planted" not in in_a_log(error)
    assert "planted" not in kind(error)


@pytest.mark.parametrize(
    ("error", "rows", "worth"),
    [
        (OperationalError("refused"), 1, math.inf),
        (DatabaseError("HTTP driver received HTTP status 502"), 1, math.inf),
        (DatabaseError("no space", code=243), 1, math.inf),
        (DatabaseError("too many parts", code=252), 1, math.inf),
        (DatabaseError("memory", code=241), 2, PATIENCE_S),
        (DatabaseError("memory", code=241), 1, math.inf),
        (DatabaseError("a code of the future", code=9999), 2, PATIENCE_S),
        (DatabaseError("a code of the future", code=9999), 1, PATIENCE_S),
    ],
)
def test_how_long_another_try_is_worth(error: Exception, rows: int, worth: float) -> None:
    assert judge(error) is Verdict.RETRY
    assert patience_s(error, rows) == worth


def test_a_code_is_of_one_class() -> None:
    codes = [*POISON, *STOP, *SMALLER, *WAIT]
    assert sorted(set(codes)) == sorted(codes)


@pytest.mark.integration
def test_the_codes_are_the_servers(clickhouse: LocalClickHouse) -> None:
    client = connect(clickhouse.url)
    try:
        found = client.query(
            "SELECT DISTINCT code, name FROM system.errors", settings={"system_events_show_zero_values": 1}
        )
    finally:
        client.close()
    names = {row[0]: row[1] for row in found.result_rows}
    ours = {**POISON, **SMALLER, **WAIT, **{code: name for code, (name, _) in STOP.items()}}
    assert {code: names.get(code) for code in ours} == ours
