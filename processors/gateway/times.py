"""Times, as answers have them."""

from typing import Annotated

from msgspec import Meta

from schemas.times import rfc3339

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


def time(epoch_ms: object) -> str:
    """``epoch_ms``: of a row."""
    return rfc3339(int(str(epoch_ms)))


def time_if_any(epoch_ms: int | None) -> str | None:
    """None: of none."""
    return None if epoch_ms is None else rfc3339(epoch_ms)
