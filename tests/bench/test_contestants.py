"""Everybody who is measured can be named, started and set up."""

from pathlib import Path

import pytest

from bench import command, run
from bench.contestants import CONTESTANTS, Contestant
from bench.environments import NotAvailable, ensure_maven, run_program
from bench.site import Site
from bench.w1 import plan
from bench.workloads import LEADS, Core, CustomerJoin, Pipeline, Workload

NOW_MS = 1_760_000_000_000
ROOMS = Path(run.__file__).parent


def test_the_command_knows_everybody() -> None:
    assert tuple(one.name for one in CONTESTANTS) == command.CONTESTANTS
    assert run.WORKLOADS == command.WORKLOADS
    todo = run.steps(CONTESTANTS, run.WORKLOADS, command.MEASURES, run.QUICK)
    assert {step.measure for step in todo} == set(command.MEASURES)


@pytest.mark.parametrize("contestant", CONTESTANTS, ids=lambda one: one.name)
def test_everybody_can_be_started(contestant: Contestant, tmp_path: Path) -> None:
    join, pipeline, core = CustomerJoin("w1", plan(10)), Pipeline(10, NOW_MS), Core(10, NOW_MS)
    workloads: dict[str, Workload] = {"w1": join, "w1-long": join, "w2": pipeline, "w2-core": core}
    for name, launch in contestant.workloads.items():
        topics = {short: f"run.{short}" for short in [*workloads[name].inputs, LEADS]}
        launched = launch(Site("127.0.0.1:9092", 8, "run", topics, tmp_path))
        for started in launched.commands:
            assert started.env["BENCH_LEADS"] == "run.leads"
            assert Path(started.env["BENCH_STATE"]).is_dir()
            assert started.cwd.is_dir()


@pytest.mark.parametrize("file", sorted(ROOMS.rglob("requirements.txt")), ids=lambda file: file.parent.name)
def test_requirements_are_exact(file: Path) -> None:
    assert all("==" in line for line in file.read_text().splitlines())


def test_what_cannot_be_set_up_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotAvailable, match="sh failed: no such package"):
        run_program(["sh", "-c", "echo no such package >&2; exit 3"])
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotAvailable, match="needs Maven"):
        ensure_maven("peers/kafka_streams", lambda _: None)
    with pytest.raises(NotAvailable, match="no-such-program"):
        run_program(["no-such-program"])
