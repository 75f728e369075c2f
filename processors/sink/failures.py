"""What an insert that failed means for the batch.

=========  =========================================================================================
retry      the server cannot be reached, is busy, full or read-only: nothing is wrong with the rows.
           Whether they were stored is unknown; storing them again changes nothing
poison     a row that no retry will make storable: find it, dead-letter it, store the others
stop       schema or rights are wrong: an operator has to act, and no offset moves until then
=========  =========================================================================================

Codes: ClickHouse's ``ErrorCodes.cpp``. An error that is not listed is retried: nothing is lost by waiting.
"""

from enum import Enum
from typing import Final

from clickhouse_connect.driver.exceptions import ClickHouseError, DataError


class Verdict(Enum):
    """What to do with the batch."""

    RETRY = "retry"
    POISON = "poison"
    STOP = "stop"


_POISON: Final = frozenset({6, 26, 27, 53, 72, 117, 349})
_STOP: Final = {
    16: "a column is missing",
    60: "a table is missing",
    81: "the database is missing",
    115: "the server does not know a setting",
    192: "the user is unknown",
    193: "the password is wrong",
    497: "the user may not insert",
    516: "the user or the password is wrong",
}


def judge(error: Exception) -> Verdict:
    """Values that the driver cannot encode raise plain Python errors, before anything is sent."""
    code = getattr(error, "code", None)
    if code in _STOP:
        return Verdict.STOP
    if isinstance(error, DataError) or code in _POISON or not isinstance(error, ClickHouseError | OSError):
        return Verdict.POISON
    return Verdict.RETRY


def cause(error: Exception) -> str:
    """For the operator, in one line."""
    known = _STOP.get(getattr(error, "code", None) or 0)
    first_line = (str(error).splitlines() or [type(error).__name__])[0][:300]
    return f"{known} ({first_line})" if known else first_line
