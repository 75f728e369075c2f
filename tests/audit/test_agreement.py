"""An audit of what the joins really do: nothing to complain of, for any history."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from processors.attribution.bounds import Bounds
from processors.attribution.policy import Policy
from processors.audit.judging import Horizon
from processors.audit.report import Apart, Difference, Wrong
from processors.audit.results import KINDS, LEADS
from tests.attribution.builders import HOLD, T0, click, deferred, lead, policy
from tests.attribution.effort import examples
from tests.attribution.strategies import POLICIES, histories, histories_with_conflicts
from tests.audit.system import Audited, Published, Story, audited, happen
from tests.model.simulate import Record

GAPS = st.lists(st.sampled_from((0, 1, HOLD // 2, HOLD - 1, HOLD, HOLD + 1)), min_size=1, max_size=16)


def audit(story: Story, rules: Policy, records: int = 1) -> Audited:
    with TemporaryDirectory() as directory:
        return audited(Path(directory) / "work", story, rules=rules, records=records)


def assert_clean(found: Audited) -> None:
    assert [one for one in found.verdicts if isinstance(one, Difference)] == []
    assert found.summary.clean
    assert_adds_up(found)
    assert {one.why for one in found.verdicts if not isinstance(one, Difference)} <= {
        Apart.CONTESTED,
        Apart.ERASED,
    }, "holds are exact here: nothing may be left to them"


@examples(200)
@given(POLICIES, histories(), GAPS)
def test_whatever_arrives_and_whenever(rules: Policy, records: list[Record], gaps: list[int]) -> None:
    assert_clean(audit(happen(records, gaps, rules), rules))


@examples(100)
@given(POLICIES, histories_with_conflicts())
def test_clicks_in_conflict(rules: Policy, records: list[Record]) -> None:
    assert_clean(audit(happen(records, (), rules), rules))


def assert_adds_up(found: Audited) -> None:
    """Every result is counted as one of three things, and nothing that agrees is missing anywhere."""
    summary = found.summary
    for name, counts in summary.kinds.items():
        places = [counts.expected] + ([] if counts.in_topic is None else [counts.in_topic])
        if summary.clickhouse:
            places.append(counts.in_clickhouse)
        assert counts.agreeing <= min(places)
        assert max(places) <= counts.agreeing + counts.apart + counts.differing
        wrong = sum(count for (kind, _), count in summary.differences.items() if kind == name)
        assert (counts.differing > 0) <= (wrong > 0)
        if not (counts.apart or wrong):
            assert {*places} == {counts.agreeing}
    lines = [line for line in summary.lines() if " expected, " in line]
    for line in lines:
        assert (" agree," in line) == any(one in line for one in (" apart", " differ"))


@examples(150)
@given(POLICIES, histories(), GAPS, st.data())
def test_the_numbers_add_up_whatever_is_missing_or_on_its_way(
    rules: Policy, records: list[Record], gaps: list[int], data: st.DataObject
) -> None:
    story = happen(records, gaps, rules)
    published = story.published
    for some in (published.results, published.rows, published.revisions, published.clicks):
        for place in data.draw(st.sets(st.integers(0, 30), max_size=3)):
            if place < len(some):
                del some[place]
    gone = st.none() | st.integers(T0 - HOLD, T0 + 3 * HOLD)
    so_many = st.none() | st.integers(0, 8)
    with TemporaryDirectory() as directory:
        found = audited(
            Path(directory) / "work",
            story,
            rules=rules,
            horizons={kind: Horizon(data.draw(gone), data.draw(gone)) for kind in KINDS},
            settled=data.draw(so_many),
            stored=data.draw(so_many),
            clickhouse=data.draw(st.booleans()),
            live=data.draw(st.sampled_from((None, story.published, Published()))),
            since_ms=data.draw(gone),
        )
    assert_adds_up(found)


@examples(60)
@given(POLICIES, histories())
def test_the_number_of_buckets_changes_nothing(rules: Policy, records: list[Record]) -> None:
    story = happen(records, (), rules)
    one, many = audit(story, rules), audit(story, rules, records=1_000_000)
    assert one.summary == many.summary
    assert sorted(map(str, one.verdicts)) == sorted(map(str, many.verdicts))


def test_a_click_that_too_many_wait_for_is_known_in_every_bucket() -> None:
    """Some of these are refused, and none of the customers of a bucket shows why."""
    lead_events = [lead(10, click_id="c1", customerExternalId=f"customer{number}") for number in range(120)]
    story = happen([*lead_events, click("c1", 0)])
    found = audit(story, policy(), records=1_000_000)
    assert_clean(found)
    assert found.summary.contested == 120


def test_a_lead_that_moves_away_from_its_touch_is_told_though_touches_are_forgotten() -> None:
    """Whether its touch was still there when it was needed nobody knows; but once it was, it stays."""
    rules = replace(policy("last-click"), bounds=Bounds(touches=2))
    touches = [one for at in (0, 10, 40, 50, 60) for one in (click(f"c{at}", 0), deferred(f"c{at}", at))]
    story = happen([*touches[:4], lead(25), *touches[4:]], rules=rules)
    assert_clean(audit(story, rules))
    [(_, key, value)] = [one for one in story.published.results if one[0] is LEADS]
    moved = (value or b"").replace(b'"id":"c10"', b'"id":"c0"').replace(b'"revision":1', b'"revision":2')
    story.published.results.append((LEADS, key, moved))
    story.published.store()
    found = audit(story, rules)
    assert [one.wrong for one in found.verdicts if isinstance(one, Difference)] == [Wrong.DIFFERS_IN_TOPIC]
