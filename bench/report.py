"""Results → text, JSON and Markdown."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from bench.latency import Latency
from bench.machine import machine
from bench.run import Result, Sizes
from bench.throughput import Throughput


def lines(result: Result) -> str:
    """One run in a line."""
    match result.figures:
        case None:
            return f"{result.step}: {result.failure}"
        case Throughput() as f:
            said = (
                f"{f.steady_cpu_us:.2f} µs CPU/event, {f.steady_events_per_s:,.0f} events/s"
                f" (from exec {f.total_cpu_us:.2f}, {f.total_events_per_s:,.0f}),"
                f" first lead {f.first_lead_s:.2f} s, {f.peak_rss_bytes / 1e6:,.0f} MB"
            )
        case Latency() as f:
            kinds = "; ".join(
                f"{kind} p50 {p.p50:.1f} p95 {p.p95:.1f} p99 {p.p99:.1f} ms ({p.count:,})"
                for kind, p in f.leads.items()
            )
            said = f"{kinds}; {f.cpu_us:.0f} µs CPU/event; sent {f.sent_rate:,.0f}/s"
    return f"{result.step}: {said}; {result.figures.verdict}"


def document(results: Sequence[Result], sizes: Sizes) -> dict[str, Any]:
    """Everything, for machines."""
    return {
        "machine": machine(),
        "sizes": asdict(sizes),
        "runs": [
            {
                "measure": one.step.measure,
                "workload": one.step.workload,
                "contestant": one.step.contestant.name,
                "rate": one.step.rate,
                "run": one.step.number,
                "failure": one.failure or None,
                "figures": None if one.figures is None else asdict(one.figures),
            }
            for one in results
        ],
    }


def markdown(results: Sequence[Result]) -> str:
    """Medians over the runs that count."""
    parts = []
    for workload in ("w1", "w2"):
        mine = [one for one in results if one.step.workload == workload]
        parts += _throughput(workload, mine)
        parts += _latency(workload, mine)
    return "\n".join(parts)


def write(out: Path, results: Sequence[Result], sizes: Sizes, *, as_json: bool) -> str:
    """``results.json`` and ``results.md`` into ``out``; returns one of both."""
    out.mkdir(parents=True, exist_ok=True)
    as_document = json.dumps(document(results, sizes), indent=1)
    table = markdown(results)
    (out / "results.json").write_text(as_document + "\n")
    (out / "results.md").write_text(table + "\n")
    return as_document if as_json else table


def _throughput(workload: str, results: Iterable[Result]) -> list[str]:
    rows = []
    for title, runs in _by_title(results, Throughput).items():
        rows.append(
            f"| {title} | {len(runs)} | {median(f.steady_cpu_us for f in runs):.1f}"
            f" | {median(f.total_cpu_us for f in runs):.1f}"
            f" | {median(f.steady_events_per_s for f in runs):,.0f}"
            f" | {median(f.total_events_per_s for f in runs):,.0f}"
            f" | {median(f.peak_rss_bytes for f in runs) / 1e6:,.0f}"
            f" | {median(f.first_lead_s for f in runs):.1f} |"
        )
    head = [
        f"### {workload}: throughput",
        "",
        "| system | runs | CPU µs/event | from exec | events/s | from exec | peak RSS, MB | first lead, s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return [*head, *rows, ""] if rows else []


def _latency(workload: str, results: Iterable[Result]) -> list[str]:
    rows = []
    for title, runs in _by_title(results, Latency).items():
        for rate in sorted({f.rate for f in runs}):
            at_rate = [f for f in runs if f.rate == rate]
            leads = [f.leads["qualified"] for f in at_rate if "qualified" in f.leads]
            if leads:
                rows.append(
                    f"| {title} | {rate:,} | {len(at_rate)} | {median(p.p50 for p in leads):.1f}"
                    f" | {median(p.p95 for p in leads):.1f} | {median(p.p99 for p in leads):.1f}"
                    f" | {median(f.cpu_us for f in at_rate):.0f} |"
                )
    head = [
        f"### {workload}: qualification produced → lead read, ms",
        "",
        "| system | events/s | runs | p50 | p95 | p99 | CPU µs/event |",
        "|---|---|---|---|---|---|---|",
    ]
    return [*head, *rows, ""] if rows else []


def _by_title(results: Iterable[Result], kind: type[Any]) -> dict[str, list[Any]]:
    """Runs that count."""
    found: dict[str, list[Any]] = {}
    for one in results:
        if isinstance(one.figures, kind) and one.figures.verdict.good:
            found.setdefault(one.step.contestant.title, []).append(one.figures)
    return found
