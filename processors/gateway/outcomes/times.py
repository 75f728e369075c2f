"""Times, as answers have them."""

from typing import Annotated

from msgspec import Meta

from schemas.times import rfc3339

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


def time(epoch_ms: object) -> str:
    """``epoch_ms``: of a row."""
    return rfc3339(int(str(epoch_ms)))
