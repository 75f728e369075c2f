"""Bucket by bucket: what the model makes of the events, held against what was found."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from processors.audit.clicks import CLICK_KINDS, ClickTraces, JudgedClick
from processors.audit.evidence import Evidence, Gathered
from processors.audit.holds import beyond_hold
from processors.audit.judging import Horizon, Judge, Standing, Traces
from processors.audit.model.arrivals import Arrived
from processors.audit.model.by_arrival import ArrivalModel
from processors.audit.model.outcome import CustomerKey, Outcome
from processors.audit.model.reference import ReferenceModel
from processors.audit.model.rules import ModelPolicy
from processors.audit.report import Counts, Difference, Summary, Verdict
from processors.audit.results import KINDS, LEADS, Kind, Result, Row, happened_ms, owner
from processors.audit.revisions import REVISION, judge_revisions
from schemas.events import Click, LeadEvent


class Verdicts:
    """``horizons``: by kind. ``since_ms``: only results that happened then or later; None: all.

    ``clicks_gone_ms``: clicks recorded before may be gone; None: none is. ``clickhouse``, ``beside``: whether
    rows, or live results, were read. ``summary`` counts along.
    """

    def __init__(
        self,
        policy: ModelPolicy,
        horizons: Mapping[Kind, Horizon],
        summary: Summary,
        *,
        clickhouse: bool,
        beside: bool = False,
        since_ms: int | None = None,
        clicks_gone_ms: int | None = None,
    ) -> None:
        self._policy = policy
        self._horizons = horizons
        self._clickhouse = clickhouse
        self._clicks_gone_ms = clicks_gone_ms
        self._summary = summary
        self._since_ms = since_ms
        self._judges = {
            kind: Judge(kind, horizons[kind], clickhouse=clickhouse, beside=beside) for kind in KINDS
        }
        summary.clickhouse = clickhouse
        summary.kinds = {kind.name: Counts() for kind in KINDS}
        if clickhouse:
            names = (REVISION, *(kind.name for kind in CLICK_KINDS))
            summary.kinds |= {name: Counts(in_topic=None) for name in names}

    def of_clicks(self, found: Iterable[ClickTraces]) -> list[Verdict]:
        """All that is to be said of the clicks of a bucket: without ClickHouse, nothing."""
        return self._counted(self._of_clicks(found)) if self._clickhouse else []

    def of(self, evidence: Evidence) -> Iterator[list[Verdict]]:
        """All that is to be said, a list for every bucket. The evidence is used up."""
        yield self._counted(evidence.unreadable)
        self._summary.events, self._summary.refused = evidence.inputs.events, evidence.inputs.refused
        for bucket in range(evidence.buckets):
            yield self._counted(self._of_bucket(evidence.take(bucket)))

    def _of_bucket(self, gathered: Gathered) -> Iterator[Verdict]:
        events, hold_ms = gathered.facts.events, self._policy.hold_ms
        expected = ReferenceModel(self._policy).compute(events)
        late = beyond_hold(events, hold_ms)
        # The model with holds takes several times as long.
        in_time = ArrivalModel(self._policy).compute(_about(events, late)) if late else Outcome()
        self._summary.contested += len(expected.contested)
        for kind, judge in self._judges.items():
            _expect(gathered, kind, expected, in_time, late)
            for identity, (whose, traces) in gathered.found[kind].items():
                if not self._in_scope(traces):
                    continue
                standing = _standing(whose, gathered, expected)
                verdicts = judge.judge(identity, whose, traces, standing)
                self._count(kind, traces, judge.wanted(traces, standing), verdicts)
                yield from verdicts
                if kind is LEADS and self._clickhouse:
                    yield from self._of_revisions(identity, whose, traces, standing)

    def _of_revisions(
        self, lead_id: str, whose: CustomerKey, traces: Traces, standing: Standing
    ) -> Iterator[Verdict]:
        for one in judge_revisions(lead_id, whose, traces, standing, self._horizons[LEADS]):
            self._summary.kinds[REVISION].add(one.verdicts, expected=one.expected, stored=one.stored)
            yield from one.verdicts

    def _of_clicks(self, found: Iterable[ClickTraces]) -> Iterator[Verdict]:
        for traces in found:
            judged = JudgedClick(traces, self._policy, self._clicks_gone_ms)
            at_ms = judged.latest_ms()
            if at_ms is None or (self._since_ms is not None and at_ms < self._since_ms):
                continue
            for kind in CLICK_KINDS:
                verdicts = judged.of(kind)
                self._summary.kinds[kind.name].add(
                    verdicts, expected=judged.expected, stored=judged.is_in(kind)
                )
                yield from verdicts

    def _counted(self, verdicts: Iterable[Verdict]) -> list[Verdict]:
        found = list(verdicts)
        for one in found:
            if isinstance(one, Difference):
                self._summary.differences[one.kind, one.wrong] += 1
            else:
                self._summary.apart[one.kind, one.why] += 1
        return found

    def _count(
        self, kind: Kind, traces: Traces, wanted: Result | None, verdicts: Collection[Verdict]
    ) -> None:
        self._summary.kinds[kind.name].add(
            verdicts,
            expected=wanted is not None,
            stored=bool(traces.rows),
            published=traces.newest is not None,
        )

    def _in_scope(self, traces: Traces) -> bool:
        if self._since_ms is None:
            return True
        known = [
            one for one in (traces.newest, traces.live, traces.expected, traces.in_time) if one is not None
        ]
        times = [happened_ms(one) for one in known] or [
            _row_ms(row) for row in (*traces.rows, *traces.revisions)
        ]
        return any(time >= self._since_ms for time in times)


def _expect(
    gathered: Gathered, kind: Kind, expected: Outcome, in_time: Outcome, late: Collection[CustomerKey]
) -> None:
    """Add what the model says to what was found."""
    from_holds = kind.of(in_time)
    for identity, result in kind.of(expected).items():
        whose = owner(result)
        traces = gathered.trace(kind, identity, whose)
        traces.expected = result
        traces.in_time = from_holds.get(identity) if whose in late else result
    for identity, traces in ((one, traces) for one, (_, traces) in gathered.found[kind].items()):
        traces.final = expected.complete.get(identity)
    for identity, result in from_holds.items():
        gathered.trace(kind, identity, owner(result)).in_time = result


def _about(events: Iterable[Arrived], customers: Collection[CustomerKey]) -> list[Arrived]:
    """The events of some customers, and the clicks that they name."""
    theirs: list[Arrived] = []
    clicks: list[tuple[tuple[str, str], Arrived]] = []
    named: set[tuple[str, str]] = set()
    for arrived in events:
        event = arrived.event
        if isinstance(event, Click):
            clicks.append(((event.workspace_id, event.click_id), arrived))
        elif (event.workspace_id, event.customer) in customers:
            theirs.append(arrived)
            if isinstance(event, LeadEvent) and event.click_id:
                named.add((event.workspace_id, event.click_id))
    return [click for key, click in clicks if key in named] + theirs


def _standing(whose: CustomerKey, gathered: Gathered, expected: Outcome) -> Standing:
    return Standing(
        contested=whose in expected.contested,
        unsettled=whose in gathered.facts.unsettled,
        erased=whose in expected.forgotten,
        going=whose in gathered.going,
        published=whose in gathered.published,
    )


def _row_ms(row: Row) -> int:
    happened = row.get("timestamp", row["deferred_at"])
    return happened if isinstance(happened, int) else 0
