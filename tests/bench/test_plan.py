"""Which runs there are, and how long they take."""

from dataclasses import replace

import pytest

from bench import plan
from bench.command import MEASURES
from bench.contestants import CONTESTANTS
from bench.parts import PARTS
from bench.plan import FULL, QUICK, Remaining, Sizes, Step, by_measure, expected_s, steps
from bench.site import ROOT

MINUTES = 40


def all_steps(sizes: Sizes = FULL) -> list[Step]:
    return list(steps(CONTESTANTS, plan.WORKLOADS, MEASURES, sizes, named=False))


def test_everything_fits_into_forty_minutes() -> None:
    expected = sum(expected_s(step, FULL) for step in all_steps()) + sum(part.full_s for part in PARTS)
    assert 30 <= expected / 60 <= MINUTES


def test_the_page_tells_what_is_expected() -> None:
    takes = [*by_measure(all_steps(), FULL), *((part.name, part.full_s) for part in PARTS)]
    rows = [f"| {what} | {seconds / 60:.1f} |\n" for what, seconds in takes]
    rows.append(f"| all | {sum(seconds for _, seconds in takes) / 60:.0f} |\n")
    page = (ROOT / "docs" / "benchmark.md").read_text()
    assert "| part | minutes |\n|---|---|\n" + "".join(rows) in page


def test_a_run_of_everything_has_everybody_and_every_measure() -> None:
    todo = all_steps()
    assert {step.contestant.name for step in todo} == {one.name for one in CONTESTANTS}
    assert {step.measure for step in todo} == set(MEASURES)
    assert {step.workload for step in todo} == set(plan.WORKLOADS)
    core = {step.contestant.name for step in todo if step.workload == "w2-core"}
    assert core == {"leadstream", "leadstream-compiled", "streams-eos", "streams-alo", "faust"}


def test_what_has_a_goal_is_done_most_often_and_what_takes_long_once() -> None:
    todo = all_steps()

    def runs(name: str, measure: str, workload: str, rate: int | None = None) -> list[int]:
        wanted = [one for one in todo if (one.measure, one.workload, one.rate) == (measure, workload, rate)]
        return [one.number for one in wanted if one.contestant.name == name]

    for name in ("leadstream", "leadstream-compiled"):
        assert runs(name, "throughput", "w1") == [1, 2, 3, 4, 5]
        assert runs(name, "throughput", "w2") == [1, 2, 3, 4, 5]
        assert runs(name, "latency", "w1", 2_000) == [1, 2, 3, 4, 5]
        assert runs(name, "throughput", "w2-core") == [1, 2, 3]
        assert runs(name, "throughput", "w1-long") == [1]
    assert runs("leadstream", "latency", "w1", 200) == [1]
    assert runs("leadstream", "recovery", "w1") == [1]
    assert runs("confluent", "throughput", "w1") == [1, 2, 3, 4, 5]
    assert runs("confluent", "latency", "w1", 2_000) == [1]
    assert runs("aiokafka", "throughput", "w1") == [1, 2, 3]
    assert runs("faust", "throughput", "w1") == [1]


def test_a_rate_for_which_no_goal_is_set_is_done_once() -> None:
    sizes = replace(FULL, rates=(2_000, 10_000), own_rates=())
    todo = steps(CONTESTANTS, ["w1"], ["latency"], sizes, named=True)
    assert [step.rate for step in todo if step.contestant.name == "leadstream"] == [
        2_000,
        10_000,
        *[2_000] * 4,
    ]


def test_everybody_takes_turns() -> None:
    todo = all_steps()
    first = [
        one.contestant for one in todo if (one.measure, one.workload, one.number) == ("throughput", "w1", 1)
    ]
    assert first == list(CONTESTANTS)


def test_latencies_of_more_than_one_rate_are_of_leadstream() -> None:
    rates = {
        one.name: {step.rate for step in all_steps() if step.contestant is one and step.rate}
        for one in CONTESTANTS
    }
    assert rates["leadstream"] == {200, 2_000, 10_000}
    assert rates["faust"] == {2_000}


def test_who_is_named_does_all_it_can() -> None:
    [two] = [one for one in CONTESTANTS if one.name == "leadstream-2"]
    named = {(one.measure, one.workload) for one in steps([two], plan.WORKLOADS, MEASURES, QUICK)}
    assert ("recovery", "w1") in named
    assert ("latency", "w2-core") in named
    assert ("sink", "w2") not in named
    usual = {(one.measure, one.workload) for one in all_steps(QUICK) if one.contestant is two}
    assert usual == {("throughput", "w1")}


def test_what_is_left_goes_by_how_long_it_took_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(plan, "monotonic", lambda: now)
    remaining = Remaining([60.0, 60.0, 120.0])
    assert str(remaining) == "0 of 3, 4 min left"
    now += 120.0
    remaining.done()
    assert str(remaining) == "1 of 3, 6 min left"
    now += 60.0
    remaining.done()
    assert str(remaining) == "2 of 3, 3 min left"
    remaining.done()
    assert str(remaining) == "3 of 3, 0 s left"
