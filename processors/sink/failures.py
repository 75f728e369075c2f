"""What an insert that failed means for the batch.

=========  =========================================================================================
retry      nothing is known to be wrong with the rows. Whether they were stored is unknown; storing
           them again changes nothing. For how long: :func:`patience_s`
split      too much for one insert, whatever is tried again: halve it
poison     a row that no retry will make storable: find it, dead-letter it, store the others
stop       schema or rights are wrong: an operator has to act, and no offset moves until then
bug        none of ClickHouse's errors: nothing may be concluded about the rows
=========  =========================================================================================

A server error that is not in ``error_codes`` is retried for :data:`PATIENCE_S`, then its batch is halved down
to the row like a poisoned one: no row may stop the others for ever because nobody has thought of its error.
That a row alone meets it proves nothing as long as the server stores no other row either; that is waited for.
"""

import math
import re
import struct
from enum import Enum
from typing import Final

from clickhouse_connect.driver.exceptions import (
    ClickHouseError,
    DataError,
    OperationalError,
    ProgrammingError,
)

from processors.errors import LeadstreamError, Misconfigured, Unavailable
from processors.sink.error_codes import POISON, SMALLER, STOP, WAIT

PATIENCE_S: Final = 300.0
"""How long an error of which nothing is known may be the server's. Longer than it takes to start one."""


class Verdict(Enum):
    """What to do with the batch."""

    RETRY = "retry"
    SPLIT = "split"
    POISON = "poison"
    STOP = "stop"
    BUG = "bug"


_NAMED: Final = re.compile(r"\(([A-Z0-9_]+)\) \(version [\d.]+")
_TOO_MANY_PARTS: Final = 252
# A proxy's answer to a request that is too large. It names no code of ClickHouse's.
_ENTITY_TOO_LARGE: Final = "HTTP status 413"
# The driver's, for a value that does not fit its column.
_UNENCODABLE: Final = (ValueError, TypeError, AttributeError, IndexError, OverflowError, struct.error)


def judge(error: Exception) -> Verdict:
    """What the driver cannot encode raises plain Python errors, and nothing has been stored then."""
    if not isinstance(error, ClickHouseError):
        if isinstance(error, OSError):
            return Verdict.RETRY
        return Verdict.POISON if isinstance(error, _UNENCODABLE) else Verdict.BUG
    code = code_of(error)
    if code in POISON or (code is None and isinstance(error, DataError)):
        return Verdict.POISON
    if code in STOP or (code is None and _misused(error)):
        return Verdict.STOP
    return Verdict.SPLIT if _too_much(error, code) else Verdict.RETRY


def patience_s(error: Exception, rows: int) -> float:
    """How long so many rows are worth another try after an error that is to be retried."""
    code = code_of(error)
    if code is None or code in WAIT or (code in SMALLER and rows == 1):
        return math.inf
    return PATIENCE_S


def code_of(error: Exception) -> int | None:
    """The server's; None when it did not come to an answer."""
    return getattr(error, "code", None) or None


def cause(error: Exception) -> str:
    """For the operator, in one line."""
    _, known = STOP.get(code_of(error) or 0, ("", ""))
    first_line = (str(error).splitlines() or [type(error).__name__])[0][:300]
    return f"{known} ({first_line})" if known else first_line


def kind(error: Exception) -> str:
    """One of few: a metric's label."""
    code = code_of(error)
    return f"ClickHouse {code}" if code else type(error).__name__


def in_a_log(error: Exception) -> str:
    """As :func:`cause`, unless that may quote a row: then what the server calls the error."""
    code = code_of(error)
    of_the_server = code in STOP or code in WAIT
    if of_the_server or (code is None and isinstance(error, OperationalError | OSError)) or _misused(error):
        return cause(error)
    named = _NAMED.search(str(error))
    return f"{kind(error)}, {named[1]}" if named else kind(error)


def told(error: Exception) -> LeadstreamError | None:
    """What an operator is told of a query that failed; None when the query is wrong, or it was no query."""
    if not isinstance(error, ClickHouseError):
        return None
    text = f"ClickHouse: {cause(error)}"
    if judge(error) is Verdict.STOP:
        remedy = "Run `leadstream migrate`, or ask as a user with the role for it: docs/operations.md."
        return Misconfigured(text, remedy)
    return Unavailable(text, "Run the command again.") if math.isinf(patience_s(error, 1)) else None


def _misused(error: Exception) -> bool:
    """The driver's own objection, as to a column that the table lacks."""
    return isinstance(error, ProgrammingError) and not isinstance(error, OperationalError)


def _too_much(error: ClickHouseError, code: int | None) -> bool:
    """One code is for two things: merges that are behind, and an insert into too many partitions."""
    if code == _TOO_MANY_PARTS:
        return "Too many partitions" in str(error)
    return code is None and _ENTITY_TOO_LARGE in str(error)
