"""What an insert that failed means for the batch.

=========  =========================================================================================
retry      the server cannot be reached, is busy, full or keeps no quorum: nothing is wrong with the
           rows. Whether they were stored is unknown; storing them again changes nothing
poison     a row that no retry will make storable: find it, dead-letter it, store the others
stop       schema or rights are wrong: an operator has to act, and no offset moves until then
bug        none of ClickHouse's errors: nothing may be concluded about the rows
=========  =========================================================================================

Codes: ClickHouse's ``ErrorCodes.cpp``. One that is not listed is retried: nothing is lost by waiting.
"""

import struct
from enum import Enum
from typing import Final

from clickhouse_connect.driver.exceptions import (
    ClickHouseError,
    DataError,
    OperationalError,
    ProgrammingError,
)


class Verdict(Enum):
    """What to do with the batch."""

    RETRY = "retry"
    POISON = "poison"
    STOP = "stop"
    BUG = "bug"


_POISON: Final = frozenset({6, 26, 27, 53, 69, 70, 72, 117, 131, 321, 349, 407, 469})
_STOP: Final = {
    16: "a column is missing",
    60: "a table is missing",
    81: "the database is missing",
    115: "the server does not know a setting",
    164: "the user may only read",
    192: "the user is unknown",
    193: "the password is wrong",
    497: "the user may not insert",
    516: "the user or the password is wrong",
}
# The driver's, for a value that does not fit its column.
_UNENCODABLE: Final = (ValueError, TypeError, AttributeError, IndexError, OverflowError, struct.error)


def judge(error: Exception) -> Verdict:
    """What the driver cannot encode raises plain Python errors, and nothing has been stored then."""
    if not isinstance(error, ClickHouseError):
        if isinstance(error, OSError):
            return Verdict.RETRY
        return Verdict.POISON if isinstance(error, _UNENCODABLE) else Verdict.BUG
    code = getattr(error, "code", None)
    if code in _POISON or (code is None and isinstance(error, DataError)):
        return Verdict.POISON
    if code in _STOP or (code is None and _misused(error)):
        return Verdict.STOP
    return Verdict.RETRY


def cause(error: Exception) -> str:
    """For the operator, in one line."""
    known = _STOP.get(getattr(error, "code", None) or 0)
    first_line = (str(error).splitlines() or [type(error).__name__])[0][:300]
    return f"{known} ({first_line})" if known else first_line


def _misused(error: ClickHouseError) -> bool:
    """The driver's own objection, as to a column that the table lacks."""
    return isinstance(error, ProgrammingError) and not isinstance(error, OperationalError)
