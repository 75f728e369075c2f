"""What is told of lines that are refused or doubtful: each kind at length, however many there are."""

import pytest

from processors.feeding.findings import MOST_SHOWN, Findings
from processors.feeding.lines import Line
from schemas.close_names import CloseName
from schemas.reasons import DeadLetterReason as Reason
from schemas.refused import Refused

CLICK_ID = CloseName("click_id", "clickId")


class Told(list[str]):
    def findings(self, *, strict: bool = False) -> Findings:
        return Findings(self.append, strict=strict)


def test_a_few_refusals_are_shown_and_not_counted() -> None:
    told = Told()
    findings = told.findings()
    for number in range(1, MOST_SHOWN + 1):
        findings.refuse(Line(number, b""), Refused(Reason.NOT_JSON, "no"))
    assert told == [f"line {number}: not_json: no" for number in range(1, MOST_SHOWN + 1)]
    assert [*findings.totals()] == []


def test_many_refusals_are_counted_by_reason_and_field() -> None:
    told = Told()
    findings = told.findings()
    for number in range(50_000):
        detail = f"clickId: expected something else than {number}"
        findings.refuse(Line(number, b""), Refused(Reason.SCHEMA_VIOLATION, detail))
    findings.refuse(Line(1, b""), Refused(Reason.SCHEMA_VIOLATION, "5 cells, and 4 in the header"))
    findings.refuse(Line(1, b"", 7), Refused(Reason.NOT_JSON, "clickId: no"))
    assert len(told) == MOST_SHOWN
    assert findings.refused == 50_002
    assert [*findings.totals()] == [
        "the first 20 lines that were refused are above; all of them, by reason:",
        "   50,000  schema_violation: clickId",
        "        1  schema_violation",
        "        1  not_json",
    ]


def test_a_doubtful_name_is_told_once_and_counted() -> None:
    told = Told()
    findings = told.findings()
    for number in range(1, 4):
        assert not findings.doubt(Line(number, b""), [CLICK_ID])
    assert not findings.doubt(Line(9, b"", 2), [CLICK_ID, CloseName("event_name", "eventName")])
    assert told == [
        "line 1: click_id is no field; did you mean clickId?",
        "line 9, element 2: event_name is no field; did you mean eventName?",
    ]
    assert (findings.doubtful, findings.refused) == (4, 0)
    assert [*findings.totals()][1:] == [
        "        4  click_id is no field; did you mean clickId?",
        "        1  event_name is no field; did you mean eventName?",
    ]


def test_one_doubtful_line_is_not_counted_once_more() -> None:
    findings = Told().findings()
    findings.doubt(Line(1, b""), [CLICK_ID])
    assert [*findings.totals()] == []


def test_names_without_an_end_take_no_memory_without_an_end() -> None:
    told = Told()
    findings = told.findings()
    for number in range(10_000):
        findings.doubt(Line(number, b""), [CloseName(f"click{'_' * (number % 500)}id", "clickId")])
    assert len(told) == MOST_SHOWN
    assert len([*findings.totals()]) == 1 + MOST_SHOWN
    assert len(findings._names) <= 100


@pytest.mark.parametrize("names", [[CLICK_ID], [CLICK_ID, CloseName("event_name", "eventName")]])
def test_who_is_strict_refuses_it(names: list[CloseName]) -> None:
    told = Told()
    findings = told.findings(strict=True)
    assert findings.doubt(Line(4, b""), names)
    assert told == [f"line 4: schema_violation: {'; '.join(map(str, names))}"]
    assert (findings.doubtful, findings.refused) == (0, 1)
