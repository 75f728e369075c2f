"""Whose events a question is about, and which of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from processors.gateway.analytics.filters import OF_WORKSPACE, Condition, Kind, conditions, parameters


@dataclass(frozen=True)
class Scope:
    """Times are epoch ms; the end is not in it."""

    workspace_id: str
    start_ms: int
    end_ms: int
    filters: Sequence[Condition] = ()

    def sql(self, kind: Kind) -> str:
        """The condition of rows of a kind, but for their time."""
        return OF_WORKSPACE + conditions(self.filters, kind)

    @property
    def parameters(self) -> dict[str, object]:
        """Of that, and of ``within``."""
        times = {"start": self.start_ms, "end": self.end_ms}
        return {"workspace": self.workspace_id, **times, **parameters(self.filters)}


def within(column: str) -> str:
    """The condition of a time."""
    start, end = (f"fromUnixTimestamp64Milli({{{name}:Int64}})" for name in ("start", "end"))
    return f"{column} >= {start} AND {column} < {end}"
