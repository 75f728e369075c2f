"""Which runs, in which order, and how long they may be expected to take."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final, Literal

from bench.contestants import Contestant

Measure = Literal["throughput", "latency", "recovery", "sink"]
MEASURES: Final[tuple[Measure, ...]] = ("throughput", "latency", "recovery", "sink")
WORKLOADS: Final = ("w1", "w1-long", "w2", "w2-core")
HEAD: Final = 4_000
"""Events that are there before a fixed rate begins."""
_SLOW: Final = 30_000
"""Events a second, from exec on, of whoever is measured once."""
_OF_W2: Final = 0.4
"""Of the events of w1 so many of w2 are taken in the same time."""


@dataclass(frozen=True)
class Sizes:
    """How much of everything. ``goal_runs``: of what a goal is set for; ``runs``: of other throughputs;
    ``dear_runs``: of what takes long, which is w1-long, every other measure, and whoever is slow.
    ``long_customers``: of w1-long; ``events``: of w2; ``rates``:
    of everybody, ``own_rates`` of Leadstream besides, on w1; ``seconds``: of a rate; ``patience_s``: without
    any progress for so long a contestant is given up."""

    goal_runs: int
    runs: int
    dear_runs: int
    customers: int
    long_customers: int
    events: int
    rates: tuple[int, ...]
    own_rates: tuple[int, ...]
    seconds: int
    patience_s: float = 60.0


FULL: Final = Sizes(
    goal_runs=5,
    runs=3,
    dear_runs=1,
    customers=150_000,
    long_customers=1_000_000,
    events=200_000,
    rates=(2_000,),
    own_rates=(200, 10_000),
    seconds=15,
)
QUICK: Final = Sizes(
    goal_runs=1,
    runs=1,
    dear_runs=1,
    customers=5_000,
    long_customers=20_000,
    events=10_000,
    rates=(1_000,),
    own_rates=(),
    seconds=5,
)


@dataclass(frozen=True)
class Step:
    """One run of one contestant. ``rate``: events per second, of a latency."""

    measure: Measure
    workload: str
    contestant: Contestant
    number: int
    rate: int | None = None

    def __str__(self) -> str:
        at = "" if self.rate is None else f" at {self.rate:,}/s"
        return f"{self.measure} {self.workload}{at}: {self.contestant.title}, run {self.number}"


def steps(
    contestants: Sequence[Contestant],
    workloads: Sequence[str],
    measures: Sequence[str],
    sizes: Sizes,
    *,
    named: bool = True,
) -> Iterator[Step]:
    """Contestants take turns, so that a change of the machine's mood meets all of them. ``named``: they were
    asked for by name, so each does whatever it can."""
    for number in range(1, max(sizes.goal_runs, sizes.runs, sizes.dear_runs) + 1):
        for workload in workloads:
            for measure in MEASURES:
                if measure not in measures:
                    continue
                for one in contestants:
                    if not _can(one, workload, measure) or not (named or _usual(one, workload, measure)):
                        continue
                    for rate in _rates(one, workload, measure, sizes):
                        if number <= _runs(one, workload, measure, rate, sizes):
                            yield Step(measure, workload, one, number, rate)


def _runs(one: Contestant, workload: str, measure: Measure, rate: int | None, sizes: Sizes) -> int:
    if (workload, measure) in one.goals and (rate is None or rate in FULL.rates):
        return sizes.goal_runs
    dear = measure != "throughput" or workload == "w1-long" or one.pace < _SLOW
    return sizes.dear_runs if dear else sizes.runs


def _can(one: Contestant, workload: str, measure: Measure) -> bool:
    if workload not in one.workloads:
        return False
    match measure:
        case "latency":
            return workload != "w1-long"
        case "recovery":
            return workload == "w1" and one.recovers
        case "sink":
            return workload == "w2" and one.name == "leadstream"
    return True


def _usual(one: Contestant, workload: str, measure: Measure) -> bool:
    """What is left out of a run of everything takes long and tells little."""
    return not {workload, measure} & one.on_request and (workload, measure) != ("w2-core", "latency")


def _rates(one: Contestant, workload: str, measure: Measure, sizes: Sizes) -> Sequence[int | None]:
    if measure != "latency":
        return (None,)
    own = sizes.own_rates if one.name == "leadstream" and workload == "w1" else ()
    return sorted((*sizes.rates, *own))


def expected_s(step: Step, sizes: Sizes) -> float:
    """About how long a run takes with everything around it, on two quiet cores."""
    pace = step.contestant.pace * (_OF_W2 if step.workload.startswith("w2") else 1.0)
    match step.measure:
        case "latency":
            return 12 + sizes.seconds + HEAD / pace
        case "recovery":
            return 25 + 3 * sizes.customers / pace
        case "sink":
            return 25 + 2 * sizes.events / pace
        case "throughput":
            events = {"w1": 1.7 * sizes.customers, "w1-long": 1.7 * sizes.long_customers}
            return 9 + events.get(step.workload, sizes.events) / pace


def by_measure(todo: Sequence[Step], sizes: Sizes) -> Iterator[tuple[str, float]]:
    """What all runs of one measure on one workload are expected to take together."""
    found: dict[str, float] = {}
    for step in todo:
        what = f"{step.measure} {step.workload}"
        found[what] = found.get(what, 0.0) + expected_s(step, sizes)
    yield from found.items()


class Remaining:
    """How long the rest will take: what is expected of it, times how wrong expectations were so far."""

    def __init__(self, expected: Sequence[float]) -> None:
        self._expected = list(expected)
        self._done = 0
        self._began = monotonic()

    def done(self) -> None:
        """One more of them."""
        self._done += 1

    def __str__(self) -> str:
        """``3 of 10, 12 min left``."""
        done, left = sum(self._expected[: self._done]), sum(self._expected[self._done :])
        factor = (monotonic() - self._began) / done if done else 1.0
        return f"{self._done} of {len(self._expected)}, {minutes(left * factor)} left"


def minutes(seconds: float) -> str:
    """As people say it."""
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
