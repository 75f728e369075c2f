"""What a run of a scenario showed: one row of the table."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Verdict:
    """``events``: records in the input topics. ``lost``, ``unexpected``, ``doubled``: over topics,
    changelogs, stores and views. ``stall``: the longest time that one partition of ``customers`` had nothing
    to read. ``recovery``: the longest time from a fault to the first batch after it. Both in seconds.
    """

    scenario: str
    seed: int
    events: int = 0
    faults: int = 0
    lost: int = 0
    unexpected: int = 0
    doubled: int = 0
    stall: float | None = None
    recovery: float | None = None
    note: str = ""

    def cells(self) -> list[str]:
        """As the table shows them."""
        return [_cell(getattr(self, field.name)) for field in fields(self)]


HEADINGS = [field.name for field in fields(Verdict)]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def merged(scenario: str, verdicts: Sequence[Verdict]) -> Verdict:
    """One row of several runs."""
    return Verdict(
        scenario,
        verdicts[0].seed,
        sum(one.events for one in verdicts),
        sum(one.faults for one in verdicts),
        sum(one.lost for one in verdicts),
        sum(one.unexpected for one in verdicts),
        sum(one.doubled for one in verdicts),
        max((one.stall for one in verdicts if one.stall is not None), default=None),
        max((one.recovery for one in verdicts if one.recovery is not None), default=None),
        "; ".join(filter(None, (one.note for one in verdicts))),
    )


def markdown(verdicts: Sequence[Verdict]) -> str:
    """The table, with columns of equal width."""
    rows = [HEADINGS, *(verdict.cells() for verdict in verdicts)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def write(verdicts: Sequence[Verdict], directory: Path) -> None:
    """``faults.md`` for people, ``faults.json`` for the rest."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "faults.md").write_text(markdown(verdicts) + "\n")
    (directory / "faults.json").write_text(json.dumps([asdict(verdict) for verdict in verdicts], indent=1))
