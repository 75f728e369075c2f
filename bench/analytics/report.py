"""Figures → Markdown."""

from collections.abc import Mapping, Sequence

from bench.analytics.measure import Took


def heading(machine: Mapping[str, object], events: int, runs: int) -> str:
    """What was measured, and on what."""
    place = f"{machine['cores']} cores, {machine['cpu']}, load {machine['load']}"
    return f"{events:,} events, {runs} runs a question, {place}\n"


def table(title: str, rows: Sequence[Took]) -> str:
    """A line a question."""
    lines = [
        f"\n| {title} | p50 ms | p95 ms | CPU ms | rows read |\n|---|---|---|---|---|",
        *(
            f"| {one.name} | {one.p50_ms:.0f} | {one.p95_ms:.0f} | {one.cpu_ms:.0f} | {one.rows_read:,} |"
            for one in rows
        ),
    ]
    return "\n".join(lines) + "\n"


def line(what: str, percentiles: tuple[float, float]) -> str:
    """One that is no question of its own."""
    return f"\n{what}: p50 {percentiles[0]:.0f} ms, p95 {percentiles[1]:.0f} ms\n"
