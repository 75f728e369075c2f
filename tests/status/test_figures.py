"""What is well, and what is not."""

import pytest
from msgspec.structs import replace

from processors.status.figures import (
    Figures,
    Flow,
    Process,
    Rates,
    Room,
    Stage,
    Unknown,
    exit_code,
    problems,
)
from tests.status.examples import FLOW, KAFKA, STORED, WELL, WORKER


def test_a_system_that_is_well_has_no_problems() -> None:
    assert problems(WELL) == []
    assert exit_code(WELL) == 0
    assert WELL.held == {"clicks": 3, "customers": 4}


@pytest.mark.parametrize(
    ("figures", "problem"),
    [
        (replace(WELL, disk=Room("/data", 1024, low=True)), "the disk of /data is nearly full"),
        (replace(WELL, flow=Unknown("no broker answers")), "Kafka: no broker answers"),
        (replace(WELL, stored=Unknown("it is away")), "ClickHouse: it is away"),
        (
            replace(WELL, processes=[replace(WORKER, state="does not run: was killed by SIGKILL")]),
            "worker-1: does not run: was killed by SIGKILL",
        ),
        (
            replace(WELL, processes=[KAFKA, replace(WORKER, stopped=2)]),
            "worker-1: 2 partitions stand still: too many dead letters",
        ),
        (
            replace(WELL, flow=Flow([Stage("sink", "sink", 0, 1_500, 3.0)], FLOW.rates)),
            "no sink runs, and 1,500 records wait",
        ),
        (
            replace(WELL, flow=Flow([Stage("worker", "worker", 1, 9, 601.0)], FLOW.rates)),
            "the worker is 10 minutes behind",
        ),
    ],
)
def test_each_thing_that_is_not_well_is_named(figures: Figures, problem: str) -> None:
    assert problems(figures) == [problem]
    assert exit_code(figures) == 1


@pytest.mark.parametrize(
    "stage",
    [Stage("sink", "sink", 0, 0, 0.0), Stage("sink", "sink", 1, 10_000, 299.0), Stage("s", "s", 1, 5, None)],
)
def test_to_have_work_or_nobody_for_none_is_no_problem(stage: Stage) -> None:
    assert problems(replace(WELL, flow=Flow([stage], Rates(0, 0, 0)))) == []


def test_when_nobody_answers() -> None:
    away = Unknown("away")
    silent = Figures(0, "", away, away, [Process("worker", "does not answer")])
    assert exit_code(silent) == 69
    assert replace(silent, stored=STORED).answered
    assert replace(silent, processes=[KAFKA]).answered
    assert silent.held is None
