"""What was found out about a person, in lines of text and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from processors.attribution.explanation import Candidate, ExplainedRequest, Explanation
from processors.people.identity import Person
from processors.people.traced import HeldAt, Trace
from processors.people.tracing import Found
from processors.printable import Styled, styled
from processors.settings.durations import readable
from schemas.times import rfc3339

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def lines(found: Found) -> Iterator[str | Styled]:
    """All of it."""
    status, summary = found.decision
    who = f"{found.person.workspace_id} / {found.person.external_id}"
    yield styled(f"{who}: {status}", bold=True)
    yield summary
    if found.similar:
        yield similar_line(found.similar)
    if found.explanation is not None:
        yield from explanation_lines(found.explanation)
    if found.clickhouse is not None:
        yield from clickhouse_lines(found.clickhouse)
    if found.held is not None and found.held.topic:
        held = found.held
        place = f"{held.topic}, partition {held.partition}, offset {held.offset}"
        yield styled(f"state of {rfc3339(held.written_ms)} ({place})", dim=True)


def traced(found: Found) -> Trace:
    """All of it, to be encoded."""
    held = found.held
    state = None
    if held is not None and held.topic:
        state = HeldAt(
            topic=held.topic,
            partition=held.partition,
            offset=held.offset,
            written_at=rfc3339(held.written_ms),
        )
    return Trace(
        workspace_id=found.person.workspace_id,
        customer_external_id=found.person.external_id,
        customer_id=found.person.id,
        status=found.decision[0],
        similar=found.similar,
        backlog=found.backlog,
        explanation=found.explanation,
        state=state,
        clickhouse=found.clickhouse,
        notes=found.notes,
    )


def document(found: Found) -> str:
    """As JSON."""
    return msgspec.json.format(msgspec.json.encode(traced(found))).decode()


def explanation_lines(found: Explanation) -> Iterator[str | Styled]:
    """The decision first, then each fact, and what became of it."""
    if found.customer is not None:
        known = [found.customer.name, found.customer.email, found.customer.avatar]
        said = ", ".join(one for one in known if one) or "no name"
        yield f"  {said}; first seen {found.customer.first_seen_at}; {found.customer_id}"
    if found.touches:
        yield heading("clicks named by lead events")
    for touch in found.touches:
        link = "".join(f", {name} {value}" for name, value in _link(touch.link_id, touch.partner_id))
        yield f"  {touch.click_id}  clicked {touch.clicked_at}{link}"
        yield f"      {touch.why}"
    if found.requests:
        yield heading(f"requests ({found.attribution_model})")
    for request in found.requests:
        yield from _request(request)
    if found.purchases:
        yield heading("purchases")
    for purchase in found.purchases:
        paid = f"{purchase.amount} {purchase.currency}"
        yield f"  {purchase.timestamp}  {paid}  {purchase.why}{_until(purchase.waits_until)}"
    if found.waits:
        yield heading("lead events that wait for their click")
    for wait in found.waits:
        yield f"  {wait.click_id}  {wait.why}{_until(wait.waits_until)}"
    if found.kept:
        yield heading("leads that were emitted and that the facts no longer carry (never withdrawn)")
    for lead_id in found.kept:
        yield f"  {lead_id}"


def clickhouse_lines(found: Rows) -> Iterator[str | Styled]:
    """What is shown to analysts, and every reason for what did not match."""
    if found["leads"] or found["sales"]:
        yield heading("in ClickHouse")
    for lead in found["leads"]:
        by = f"click {lead['click_id']}" + "".join(
            f", {name} {value}" for name, value in _link(lead["link_id"], lead["partner_id"])
        )
        yield f"  {_time(lead['timestamp'])}  lead  {lead['event_name']}, revision {lead['revision']}, {by}"
    for sale in found["sales"]:
        paid = f"{sale['amount']} {sale['currency']}"
        yield f"  {_time(sale['timestamp'])}  sale  {paid}, of lead {sale['lead_event_name']}"
    if found["unmatched"]:
        yield heading("what did not match")
    for one in found["unmatched"]:
        named = f" {one['event_name']}" if one["event_name"] else ""
        at_click = f" (click {one['click_id']})" if one["click_id"] else ""
        yield f"  {_time(one['timestamp'])}  {one['reason']}{named}{at_click}: {one['detail']}"


def forgotten_lines(person: Person, deleted: Mapping[str, int], retention_ms: int) -> Iterator[str]:
    """What an erasure has done. ``deleted``: rows in ClickHouse, by table."""
    rows = ", ".join(f"{count:,} {name}" for name, count in deleted.items() if count)
    yield f"ClickHouse: deleted ({rows or 'nothing was there'})"
    yield (
        f"{person} is forgotten, and later events are refused as suppressed. Topics keep what was sent until "
        f"their retention of {readable(retention_ms)} is over."
    )


def similar_line(similar: Sequence[str]) -> str:
    """Other customers, who may be meant."""
    return f"  not to be mixed up with {', '.join(similar)}: ids that differ in case differ"


def heading(text: str) -> Styled:
    """Above a group of lines."""
    return styled(text, bold=True)


def _request(request: ExplainedRequest) -> Iterator[str]:
    named = f" naming click {request.click_id}" if request.click_id else ""
    yield f"  {request.timestamp}  {request.event_name}{named}: {request.why}{_until(request.waits_until)}"
    if request.makes_lead:
        yield f"      {request.lead_id}, revision {request.revision}"
    for candidate in request.candidates:
        touch = f"{candidate.click_id}  deferred {candidate.deferred_at}"
        yield f"      {_mark(candidate)} {touch}: {candidate.why}"


def _mark(candidate: Candidate) -> str:
    return "→" if candidate.chosen else "·" if candidate.eligible else "×"


def _until(moment: str | None) -> str:
    return "" if moment is None else f"; waits until {moment}"


def _link(link_id: str | None, partner_id: str | None) -> list[tuple[str, str]]:
    return [(name, value) for name, value in (("link", link_id), ("partner", partner_id)) if value]


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
