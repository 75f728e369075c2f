import struct

import pytest
from clickhouse_connect.driver.exceptions import (
    DatabaseError,
    DataError,
    OperationalError,
    ProgrammingError,
    StreamFailureError,
)

from processors.sink.failures import Verdict, cause, judge


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (OperationalError("refused"), Verdict.RETRY),
        (StreamFailureError("reset"), Verdict.RETRY),
        (DatabaseError("too many parts", code=252), Verdict.RETRY),
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
