"""Figures → Markdown."""

from collections.abc import Mapping, Sequence

from bench.analytics.measure import Figures, Percentiles, Took


def report(figures: Figures, machine: Mapping[str, object]) -> str:
    """All of them, and what they were measured on."""
    place = f"{machine['cores']} cores, {machine['cpu']}, load {machine['load']}"
    return (
        f"{figures.events:,} events, {figures.runs} runs a question, {place}\n"
        + _table("everything merged", figures.merged)
        + _line("eight at once, the last answer", figures.together)
        + _line("a small workspace alone", figures.alone)
        + _line("a small workspace while the largest asks without end", figures.beside)
        + _table(f"{figures.parts} unmerged parts", figures.scattered)
    )


def _table(title: str, rows: Sequence[Took]) -> str:
    lines = [
        f"\n| {title} | p50 ms | p95 ms | CPU ms | rows read |\n|---|---|---|---|---|",
        *(
            f"| {one.name} | {one.p50_ms:.0f} | {one.p95_ms:.0f} | {one.cpu_ms:.0f} | {one.rows_read:,} |"
            for one in rows
        ),
    ]
    return "\n".join(lines) + "\n"


def _line(what: str, percentiles: Percentiles) -> str:
    return f"\n{what}: p50 {percentiles[0]:.0f} ms, p95 {percentiles[1]:.0f} ms\n"
