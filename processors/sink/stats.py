"""What a sink has done since it started."""

from dataclasses import dataclass, field


@dataclass
class Stats:
    """``lag``: records on the brokers that are not stored yet, as of the last batch; None before the first.

    ``stored_at``: the clock after that batch. ``waiting_because``: why ClickHouse takes no rows, if so.
    """

    records: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    batches: int = 0
    dead_letters: int = 0
    lag: int | None = None
    stored_at: float | None = None
    waiting_because: str | None = None

    @property
    def waiting(self) -> bool:
        """Does ClickHouse take no rows?"""
        return self.waiting_because is not None

    def stored(self, table: str, rows: int) -> None:
        """ClickHouse has acknowledged rows of a table."""
        self.rows[table] = self.rows.get(table, 0) + rows
        self.waiting_because = None
