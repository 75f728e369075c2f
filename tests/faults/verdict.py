"""What a run of a scenario showed: one row of the table."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path


@dataclass(frozen=True)
class Verdict:
    """``events``: records in the input topics. ``lost``, ``unexpected``, ``doubled``: over topics,
    changelogs, stores and views. ``stall``: the longest time that one partition of ``customers`` had nothing
    to read. ``recovery``: the longest time from a fault to the first batch after it. Both in seconds.
    """

    scenario: str
    seed: int
    runs: int = field(default=1, kw_only=True)
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


def merged(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """One for each scenario: counts are added up, of times the longest counts."""
    runs: defaultdict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        runs[verdict.scenario].append(verdict)
    return [_merged(several) for several in runs.values()]


def _merged(several: Sequence[Verdict]) -> Verdict:
    def total(name: str) -> int:
        return sum(getattr(one, name) for one in several)

    def longest(name: str) -> float | None:
        return max((at for one in several if (at := getattr(one, name)) is not None), default=None)

    notes = dict.fromkeys(one.note for one in several if one.note)
    return Verdict(
        several[0].scenario,
        several[0].seed,
        total("events"),
        total("faults"),
        total("lost"),
        total("unexpected"),
        total("doubled"),
        longest("stall"),
        longest("recovery"),
        "; ".join(notes),
        runs=len(several),
    )


def markdown(verdicts: Sequence[Verdict]) -> str:
    """The table, a row for each scenario, with columns of equal width."""
    rows = [HEADINGS, *(verdict.cells() for verdict in merged(verdicts))]
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
