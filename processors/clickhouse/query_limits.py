"""What a query may use at most, and that one came to it. Needs no driver."""

import re
from typing import Final, Literal

from processors.errors import CheckFailed

# The driver writes around what the server says; the server adds where in its own plan it was.
SAID: Final = re.compile(r"Code: \d+\. DB::Exception: (.*?)(?:\s*\(([A-Z0-9_]+)\) \(version .*)?$", re.DOTALL)

Limit = Literal["time", "memory", "rows"]
_LIMITS: Final[dict[int, Limit]] = {
    **dict.fromkeys((159, 160), "time"),  # TIMEOUT_EXCEEDED; TOO_SLOW: it will be
    241: "memory",
    **dict.fromkeys((158, 307, 396), "rows"),  # TOO_MANY_ROWS, or bytes, read or answered
}
# Not "User" or "(total)", of what all queries together may have: another moment may do.
_OWN_MEMORY: Final = re.compile(r"^Query memory limit|memory limit \(for query\)", re.IGNORECASE)


class QueryRefused(CheckFailed):
    """ClickHouse does not do what a query asks."""


class QueryTooLarge(QueryRefused):
    """A query came to the limit of what one may use. ``limit``: of its time, memory, or the rows it reads."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(
            f"this takes more {limit} than one query may have",
            "Ask for a shorter time range, or for one workspace.",
        )
        self.limit = limit


def too_large(error: Exception) -> QueryTooLarge | None:
    """``error``: of the driver. None: it failed for another reason, or would have gone through with less
    going on beside it."""
    limit = _LIMITS.get(getattr(error, "code", None) or 0)
    if limit is None:
        return None
    found = SAID.search(str(error))
    if limit == "memory" and (found is None or not _OWN_MEMORY.search(found[1])):
        return None
    return QueryTooLarge(limit)
