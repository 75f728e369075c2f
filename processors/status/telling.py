"""Figures → lines. Pure; no line of ours is wider than 80 columns."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from processors.disk import size
from processors.status.figures import Figures, Flow, Stage, Stored, Unknown, problems
from schemas.times import DAY_MS, parse_rfc3339, rfc3339

_WIDTH: Final = 80
_FAULTS: Final = 3
_UNKNOWN: Final = "?"
_PARTED: Final = " · "


def screen(figures: Figures) -> Iterator[str]:
    """Everything, for people."""
    found = problems(figures)
    yield _cut(f"{rfc3339(figures.at_ms)[:19].replace('T', ' ')} UTC  {figures.where}")
    yield "all well" if not found else f"{len(found)} problem{'s' if len(found) > 1 else ''}:"
    yield from (_cut(f"  {one}") for one in found)
    if figures.processes:
        yield ""
        yield from _processes(figures)
    yield ""
    yield from _flow(figures.flow)
    yield from _stored(figures)
    if figures.disk is not None:
        yield _cut(f"disk     {size(figures.disk.free)} free at {figures.disk.directory}")
    for number, fault in enumerate(figures.faults[:_FAULTS]):
        label = "errors" if number == 0 else ""
        yield _cut(f"{label:<8} {ago(figures.at_ms, fault.at)}  {fault.process}: {fault.text}")


def line(figures: Figures, width: int = _WIDTH) -> str:
    """The same in one line, of which the first problem is the beginning; what has no room is left out."""
    flow, stored = figures.flow, figures.stored
    parts = problems(figures)[:1]
    leads = f"{stored.leads:,} leads" if isinstance(stored, Stored) else ""
    if isinstance(flow, Flow):
        rates = flow.rates
        parts.append(f"{leads}, {rates.leads:,}/min" if leads else f"{rates.leads:,} leads/min")
        parts.append("lag " + ", ".join(map(_lag, flow.stages)))
        parts.append(f"{rates.clicks:,} clicks/min")
    elif leads:
        parts.append(leads)
    while len(parts) > 1 and len(_PARTED.join(parts)) > width:
        parts.pop()
    return _cut(_PARTED.join(parts), width)


def _lag(stage: Stage) -> str:
    late = f" ({span(stage.seconds)})" if stage.records and stage.seconds else ""
    return f"{stage.name} {stage.records:,}{late}"


def document(figures: Figures) -> bytes:
    """The same for programs: a JSON object, which says whether all is well, and what is not."""
    found = problems(figures)
    whole = _with_times(msgspec.to_builtins(figures))
    return msgspec.json.encode({"well": not found, "problems": found, **whole, "held": figures.held})


def _with_times(part: Any) -> Any:
    """``sinceMs`` becomes ``since``, in RFC 3339."""
    if isinstance(part, list):
        return [_with_times(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        name.removesuffix("Ms"): rfc3339(one) if name.endswith("Ms") and one is not None else _with_times(one)
        for name, one in part.items()
    }


def span(seconds: float) -> str:
    """``14 s``, ``3 min``, ``5 h``, ``2 d``."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def ago(now_ms: int, at: str) -> str:
    """Of a time in RFC 3339; the time itself, where it is none."""
    try:
        return f"{span((now_ms - parse_rfc3339(at)) / 1000)} ago"
    except ValueError:
        return at


def _processes(figures: Figures) -> Iterator[str]:
    names = max(10, *(len(one.name) for one in figures.processes))
    yield f"{'process':<{names}}  {'up for':>8}  {'restarts':>8}  {'errors':>6}  state"
    for one in figures.processes:
        since = _UNKNOWN if one.since_ms is None else span((figures.at_ms - one.since_ms) / 1000)
        restarts, errors = map(_count, (one.restarts, one.errors))
        shown = "" if one.state.startswith("does not") else since
        yield _cut(f"{one.name:<{names}}  {shown:>8}  {restarts:>8}  {errors:>6}  {one.state}")


def _count(count: int | None) -> str:
    return _UNKNOWN if count is None else f"{count:,}"


def _flow(flow: Flow | Unknown) -> Iterator[str]:
    if isinstance(flow, Unknown):
        yield _cut(f"kafka    unknown: {flow.why}")
        return
    for stage in flow.stages:
        yield f"{stage.name:<8} {_behind(stage)}; {stage.members} running"
    rates = flow.rates
    yield f"rates    {rates.clicks:,} clicks, {rates.leads:,} leads, {rates.sales:,} sales a minute"


def _behind(stage: Stage) -> str:
    if not stage.records:
        return "nothing to go"
    late = "for how long is not known" if stage.seconds is None else f"{span(stage.seconds)} behind"
    return f"{stage.records:,} records to go, {late}"


def _stored(figures: Figures) -> Iterator[str]:
    stored, held = figures.stored, figures.held
    if isinstance(stored, Unknown):
        yield _cut(f"tables   unknown: {stored.why}")
    else:
        yield f"leads    {stored.leads:,}, and {stored.pending:,} customers pending"
    # Clicks and customers, as the tables are named for.
    waits = _UNKNOWN if held is None else ", ".join(f"{count:,} {table}" for table, count in held.items())
    why = " (no worker's metrics are known: --metrics)" if held is None else ""
    yield f"waiting  {waits or 'nothing'}{why}"
    if isinstance(stored, Stored) and stored.newest is not None:
        one = stored.newest
        since = figures.at_ms - one.timestamp_ms
        when = f"{span(since / 1000)} ago" if 0 <= since < DAY_MS else rfc3339(one.timestamp_ms)[:10]
        who = f"{one.workspace_id}/{one.customer_external_id}"
        yield _cut(f"newest   {when}  {who}: {one.event_name}" + (f" by {one.key}" if one.key else ""))


def _cut(text: str, width: int = _WIDTH) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
