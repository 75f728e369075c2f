"""Whose events a question is about, and which of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from processors.gateway.dashboard.filters import Filter, condition


@dataclass(frozen=True)
class Scope:
    """Whose events, and which of them."""

    workspace_id: str
    start_ms: int
    end_ms: int
    filters: Sequence[Filter] = ()

    @property
    def sql(self) -> str:
        """The condition of rows, but for their time."""
        return "workspace_id = {workspace:String}" + condition(self.filters)[0]

    @property
    def parameters(self) -> dict[str, object]:
        """Of that, and of ``within``."""
        _, parameters = condition(self.filters)
        times = {"start": self.start_ms, "end": self.end_ms}
        return {"workspace": self.workspace_id, **times, **parameters}


def within(column: str) -> str:
    start, end = (f"fromUnixTimestamp64Milli({{{name}:Int64}})" for name in ("start", "end"))
    return f"{column} >= {start} AND {column} < {end}"
