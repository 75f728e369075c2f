"""Every revision of a lead that was published, in the view of revisions. Pure.

Which revisions there are is for the order of arrival to decide; the topic has them, and the view is held
against it. What the last one has to say is judged with the lead itself.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from processors.audit.judging import Emission, Horizon, Standing, Traces, row_changes
from processors.audit.model.outcome import CustomerKey
from processors.audit.report import Apart, Change, Difference, LeftOut, Verdict, Wrong
from processors.audit.results import EMITTED_AT, LEAD_COLUMNS_OF_REVISIONS, Row
from schemas.results import Lead

REVISION: Final = "lead revision"


class JudgedRevision(NamedTuple):
    """``verdicts``: nothing when all is well."""

    expected: bool
    stored: bool
    verdicts: Sequence[Verdict]


def judge_revisions(
    lead_id: str, whose: CustomerKey, traces: Traces, standing: Standing, horizon: Horizon
) -> Iterator[JudgedRevision]:
    """All of one lead."""
    published = {one.result.revision: one for one in traces.emitted if isinstance(one.result, Lead)}
    rows: defaultdict[int, list[Row]] = defaultdict(list)
    for row in traces.revisions:
        rows[int(str(row["revision"]))].append(row)
    for number in sorted({*published, *rows}):
        emission, stored = published.get(number), rows[number]
        judged = _Revision(f"{lead_id} revision {number}", whose, emission, stored, standing, horizon)
        if stored or not standing.erased:
            yield JudgedRevision(
                emission is not None and not standing.erased,
                bool(stored),
                [*judged.verdicts()],
            )


class _Revision(NamedTuple):
    identity: str
    whose: CustomerKey
    emission: Emission | None
    rows: Sequence[Row]
    standing: Standing
    horizon: Horizon

    def verdicts(self) -> Iterator[Verdict]:
        rows, emission = self.rows, self.emission
        if self.standing.unsettled:
            yield self._apart(Apart.UNSETTLED)
        elif self.standing.erased:
            if self.standing.going:
                yield self._apart(Apart.NOT_STORED_YET)
            else:
                yield self._wrong(Wrong.UNEXPECTED_IN_CLICKHOUSE, detail="its customer was erased")
        elif emission is None:
            gone_ms = self.horizon.results_ms
            if gone_ms is not None and _emitted_ms(rows[0]) <= gone_ms:
                yield self._apart(Apart.BEYOND_INPUT)
            else:
                yield self._wrong(Wrong.UNEXPECTED_IN_CLICKHOUSE)
        elif len(rows) > 1:
            yield self._wrong(Wrong.TWICE_IN_CLICKHOUSE, detail=f"{len(rows)} rows")
        elif not rows or (changes := _changes(emission, rows[0])):
            if emission.behind:
                yield self._apart(Apart.NOT_STORED_YET)
            elif not rows:
                yield self._wrong(Wrong.MISSING_IN_CLICKHOUSE)
            else:
                yield self._wrong(Wrong.DIFFERS_IN_CLICKHOUSE, changes)

    def _wrong(self, wrong: Wrong, changes: tuple[Change, ...] = (), detail: str = "") -> Difference:
        return Difference(wrong, REVISION, self.identity, *self.whose, changes, detail)

    def _apart(self, why: Apart) -> LeftOut:
        return LeftOut(why, REVISION, self.identity, *self.whose)


def _changes(emission: Emission, row: Row) -> tuple[Change, ...]:
    said = row_changes(emission.result, LEAD_COLUMNS_OF_REVISIONS, row)
    # A sink counts one millisecond more where its own numbering of records begins anew.
    if _emitted_ms(row) - emission.at_ms in (0, 1):
        return said
    return (*said, Change(EMITTED_AT, emission.at_ms, _emitted_ms(row)))


def _emitted_ms(row: Row) -> int:
    emitted = row[EMITTED_AT]
    return emitted if isinstance(emitted, int) else 0
