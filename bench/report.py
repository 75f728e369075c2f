"""Results → text, JSON and Markdown."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

import orjson

from bench.environments import NotAvailable, Say, ensure_python, python_of, run_program
from bench.latency import Latency
from bench.machine import machine
from bench.parts import Told
from bench.plan import WORKLOADS, Sizes
from bench.recovery import Recovery
from bench.run import Result
from bench.sink import SinkFigures
from bench.throughput import Throughput


@dataclass
class Results:
    """Of one command, as they come. ``python``: ran every contestant in Python; ``parts`` by name."""

    python: str
    sizes: Sizes
    runs: list[Result] = field(default_factory=list)
    parts: dict[str, Told] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.runs) + len(self.parts)

    def wrong(self) -> list[str]:
        """What does not count, and why."""
        return [
            *(
                f"{one.step}: {one.failure or (one.figures and one.figures.verdict)}"
                for one in self.runs
                if not one.counts
            ),
            *(f"{name}: {told.failure}" for name, told in self.parts.items() if told.failure),
        ]


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
        case Recovery() as f:
            said = (
                f"{f.pending:,} pending customers: warm {f.warm.seconds:.2f} s ({f.warm.cpu_s:.2f} s CPU),"
                f" cold {f.cold.seconds:.2f} s ({f.cold.cpu_s:.2f} s CPU); {f.busy_us:.2f} µs CPU/event;"
                f" {f.cold.peak_rss_bytes / 1e6:,.0f} MB, {f.disk_bytes / f.pending:,.0f} bytes of disk each"
            )
        case SinkFigures() as f:
            said = (
                f"{f.rows:,} rows, {f.rows_per_s:,.0f} rows/s, {f.cpu_us:.1f} µs CPU/row,"
                f" {f.peak_rss_bytes / 1e6:,.0f} MB"
            )
    return f"{result.step}: {said}; {result.figures.verdict}"


def document(results: Results) -> dict[str, Any]:
    """Everything, for machines."""
    return {
        "machine": machine(results.python),
        "sizes": asdict(results.sizes),
        "runs": [
            {
                "measure": one.step.measure,
                "workload": one.step.workload,
                "contestant": one.step.contestant.name,
                "title": one.step.contestant.title,
                "guarantee": one.step.contestant.guarantee,
                "rate": one.step.rate,
                "run": one.step.number,
                "seconds": one.seconds,
                "counts": one.counts,
                "failure": one.failure or None,
                "figures": None if one.figures is None else asdict(one.figures),
            }
            for one in results.runs
        ],
        "parts": {
            name: {"failure": told.failure or None, "figures": told.figures and asdict(told.figures)}
            for name, told in results.parts.items()
        },
    }


def markdown(results: Results) -> str:
    """Medians over the runs that count."""
    parts = []
    for workload in WORKLOADS:
        mine = [one for one in results.runs if one.step.workload == workload]
        for kind, heading, row in _TABLES:
            rows = [
                row(title, group) for title, runs in _by_title(mine, kind).items() for group in _by_rate(runs)
            ]
            if rows:
                columns = heading.format(workload=workload).splitlines()
                rule = "|" + "---|" * (columns[1].count("|") - 1)
                parts += [f"### {columns[0]}", "", columns[1], rule, *rows, ""]
    for name, told in results.parts.items():
        parts += [f"### {name}", "", told.text]
    return "\n".join(parts)


def write(out: Path, results: Results, say: Say, *, as_json: bool) -> str:
    """``results.json``, ``results.md`` and ``results.svg`` (if there is something to draw) into
    ``out``; returns one of the first two."""
    as_document = orjson.dumps(document(results), option=orjson.OPT_INDENT_2).decode()
    table = markdown(results)
    (out / "results.json").write_text(as_document + "\n")
    (out / "results.md").write_text(table + "\n")
    if any(one.counts and isinstance(one.figures, Throughput | Latency) for one in results.runs):
        try:
            draw(out / "results.json", out / "results.svg", say)
        except NotAvailable as why:
            say(f"WITHOUT a plot: {why}")
    return as_document if as_json else table


def draw(results: Path, picture: Path, say: Say) -> None:
    """Raises ``NotAvailable``."""
    ensure_python("plot", say)
    program = [str(python_of("plot")), str(Path(__file__).parent / "plot" / "draw.py")]
    run_program([*program, str(results), str(picture)])


def _throughput(title: str, runs: Sequence[Throughput]) -> str:
    return (
        f"| {title} | {len(runs)} | {median(f.steady_cpu_us for f in runs):.1f}"
        f" | {median(f.total_cpu_us for f in runs):.1f}"
        f" | {median(f.steady_events_per_s for f in runs):,.0f}"
        f" | {median(f.total_events_per_s for f in runs):,.0f}"
        f" | {median(f.peak_rss_bytes for f in runs) / 1e6:,.0f}"
        f" | {median(f.first_lead_s for f in runs):.1f} |"
    )


def _latency(title: str, runs: Sequence[Latency]) -> str:
    leads = [f.leads["qualified"] for f in runs]
    return (
        f"| {title} | {runs[0].rate:,} | {len(runs)} | {median(p.p50 for p in leads):.1f}"
        f" | {median(p.p95 for p in leads):.1f} | {median(p.p99 for p in leads):.1f}"
        f" | {median(f.cpu_us for f in runs):.0f} |"
    )


def _recovery(title: str, runs: Sequence[Recovery]) -> str:
    return (
        f"| {title} | {runs[0].pending:,} | {len(runs)} | {median(f.warm.seconds for f in runs):.2f}"
        f" | {median(f.cold.seconds for f in runs):.2f} | {median(f.cold.cpu_s for f in runs):.2f}"
        f" | {median(f.cold.peak_rss_bytes for f in runs) / 1e6:,.0f}"
        f" | {median(f.disk_bytes / f.pending for f in runs):,.0f} | {median(f.busy_us for f in runs):.1f} |"
    )


def _sink(title: str, runs: Sequence[SinkFigures]) -> str:
    return (
        f"| {title} | {len(runs)} | {runs[0].rows:,} | {median(f.rows_per_s for f in runs):,.0f}"
        f" | {median(f.cpu_us for f in runs):.1f} | {median(f.peak_rss_bytes for f in runs) / 1e6:,.0f} |"
    )


_TABLES: Final[tuple[tuple[type[Any], str, Callable[[str, Any], str]], ...]] = (
    (
        Throughput,
        """{workload}: throughput
| system | runs | CPU µs/event | from exec | events/s | from exec | peak RSS, MB | first lead, s |""",
        _throughput,
    ),
    (
        Latency,
        """{workload}: qualification produced → lead read, ms
| system | events/s | runs | p50 | p95 | p99 | CPU µs/event |""",
        _latency,
    ),
    (
        Recovery,
        """{workload}: exec → first leads of customers who were pending
| system | pending | runs | warm, s | cold, s | cold, CPU s | peak RSS, MB | disk bytes each | µs/event |""",
        _recovery,
    ),
    (
        SinkFigures,
        """{workload}: sink
| system | runs | rows | rows/s | CPU µs/row | peak RSS, MB |""",
        _sink,
    ),
)
"""Kind of figures, heading and columns of their table, and how a row is made of the runs of one system."""


def _by_title(results: Iterable[Result], kind: type[Any]) -> dict[str, list[Any]]:
    """Runs that count."""
    found: dict[str, list[Any]] = {}
    for one in results:
        if one.counts and isinstance(one.figures, kind):
            found.setdefault(one.step.contestant.title, []).append(one.figures)
    return found


def _by_rate(runs: Sequence[Any]) -> list[list[Any]]:
    """Latencies at different rates are different things; a run without a qualification says nothing."""
    groups: dict[int, list[Any]] = {}
    for one in runs:
        if not isinstance(one, Latency) or "qualified" in one.leads:
            groups.setdefault(one.rate if isinstance(one, Latency) else 0, []).append(one)
    return [groups[rate] for rate in sorted(groups)]
