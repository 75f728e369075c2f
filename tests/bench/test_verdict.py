"""The oracle: whatever is wrong with the leads of a run, it says so."""

import pytest

from bench.verdict import Found, Verdict, judge

EXPECTED = {"a": "content of a", "b": "content of b"}
A = Found("a", 1, "content of a")
B = Found("b", 1, "content of b")
EARLY = Found("b", 1, "content before a late fact")
LATER = Found("b", 2, "content of b")


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        pytest.param([A, B], Verdict(2, 0, 0, 0, 0), id="exactly those"),
        pytest.param([B, A], Verdict(2, 0, 0, 0, 0), id="in any order"),
        pytest.param([A], Verdict(2, 1, 0, 0, 0), id="one lost"),
        pytest.param([], Verdict(2, 2, 0, 0, 0), id="all lost"),
        pytest.param([A, B, A], Verdict(2, 0, 0, 1, 0), id="one doubled"),
        pytest.param([A, B, A, A], Verdict(2, 0, 0, 2, 0), id="one doubled twice"),
        pytest.param([A, Found("b", 1, "else")], Verdict(2, 0, 0, 0, 1), id="one changed"),
        pytest.param([A, B, Found("c", 1, "")], Verdict(2, 0, 1, 0, 0), id="one that nobody expects"),
        # A late fact changes a lead: the last revision counts, and is no double.
        pytest.param([A, EARLY, LATER], Verdict(2, 0, 0, 0, 0), id="revised"),
        # Partitions are read in any order.
        pytest.param([A, LATER, EARLY], Verdict(2, 0, 0, 0, 0), id="read late"),
    ],
)
def test_verdict(found: list[Found], verdict: Verdict) -> None:
    assert judge(EXPECTED, found) == verdict
    assert verdict.good == (verdict == Verdict(2, 0, 0, 0, 0))
