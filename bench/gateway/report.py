"""Figures of a gateway, for people."""

from collections.abc import Mapping

from bench.gateway.run import GATEWAY, Figures, Round


def table(figures: Figures, machine: Mapping[str, object]) -> str:
    """Markdown."""
    return (
        f"{machine['cpu']}, {machine['cores']} cores,"
        f" Python {machine['python']}, Kafka {machine['kafka']}\n\n"
        "| calls | a second | p50 | p95 | p99 | longest, ms | made late, p50 | p99, ms | machine busy, %"
        " | CPU µs a call | answers |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|\n"
        + "".join(map(_row, figures.rounds))
        + "".join(map(_shares, figures.rounds))
        + f"\nReady after {figures.ready_s:.2f} s. A click made elsewhere: {figures.follow_us:.1f} µs CPU."
        f" {figures.peak_rss_bytes / 1e6:,.0f} MB. Lost: {figures.lost}.\n"
    )


def _row(one: Round) -> str:
    waited = one.waited
    cpu = f"{one.cpu_us[GATEWAY]:.0f}" if one.cpu_us else ""
    answers = ", ".join(f"{count:,} × {status}" for status, count in one.statuses.items())
    return (
        f"| {one.name}: {one.count:,} | {one.per_s:,.0f} | {waited.p50:.1f} | {waited.p95:.1f}"
        f" | {waited.p99:.1f} | {waited.longest:.0f} | {one.late.p50:.1f} | {one.late.p99:.1f}"
        f" | {one.busy * 100:.0f} | {cpu} | {answers} |\n"
    )


def _shares(one: Round) -> str:
    """What bounds the calls a second: all of it together where cores are shared, else the gateway's part."""
    if not one.cpu_us:
        return ""
    parts = ", ".join(f"{name} {used_us:.0f}" for name, used_us in one.cpu_us.items())
    return f"\n{one.name}, CPU µs a call: {parts}; together {sum(one.cpu_us.values()):.0f}.\n"
