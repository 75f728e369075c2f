"""Everybody who is measured can be named, started and set up."""

import platform
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench import builds, command, environments, plan
from bench.builds import build_of, ensure_build
from bench.contestants import CONTESTANTS, Contestant
from bench.environments import OURS, NotAvailable, ensure, ensure_maven, run_program, told_of
from bench.site import Site
from bench.w1 import plan as customers
from bench.workloads import LEADS, Core, CustomerJoin, Pipeline, Workload
from processors.build import is_compiled

NOW_MS = 1_760_000_000_000
ROOMS = Path(plan.__file__).parent


def test_the_command_knows_everybody() -> None:
    assert tuple(one.name for one in CONTESTANTS) == command.CONTESTANTS
    assert plan.WORKLOADS == command.WORKLOADS
    assert plan.MEASURES == command.MEASURES


@pytest.mark.parametrize("contestant", CONTESTANTS, ids=lambda one: one.name)
def test_everybody_can_be_started(contestant: Contestant, tmp_path: Path) -> None:
    join, pipeline, core = CustomerJoin("w1", customers(10)), Pipeline(10, NOW_MS), Core(10, NOW_MS)
    workloads: dict[str, Workload] = {"w1": join, "w1-long": join, "w2": pipeline, "w2-core": core}
    for name, launch in contestant.workloads.items():
        topics = {short: f"run.{short}" for short in [*workloads[name].inputs, LEADS]}
        launched = launch(Site("127.0.0.1:9092", 8, "run", topics, tmp_path))
        for started in launched.commands:
            assert started.env["BENCH_LEADS"] == "run.leads"
            assert Path(started.env["BENCH_STATE"]).is_dir()
            assert started.cwd.is_dir()


def test_what_is_in_python_runs_on_the_one_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "bin" / "python"
    told = {OURS: "3.11.7 of one day", str(other): "3.12.1 of another"}
    for module in (environments, builds):
        monkeypatch.setattr(module, "build_of_python", told.__getitem__)
    topics = {short: f"run.{short}" for short in (*CustomerJoin.inputs, LEADS)}
    for one in CONTESTANTS:
        interpreters = [
            one.workloads["w1"](Site("127.0.0.1:9092", 8, "run", topics, tmp_path, python=python))
            .commands[0]
            .argv[0]
            for python in (OURS, str(other))
        ]
        assert (interpreters[0] == interpreters[1]) == one.name.startswith("streams-"), one.name


@pytest.mark.parametrize("this", [True, False], ids=["compiled", "pure"])
def test_ours_is_built_only_where_it_has_to_be(monkeypatch: pytest.MonkeyPatch, this: bool) -> None:
    monkeypatch.setattr(builds, "is_compiled", lambda: this)
    assert build_of(OURS, compiled=this) == (OURS, None)
    ensure_build(pytest.fail, OURS, compiled=this)
    python, path = build_of(OURS, compiled=not this)
    assert python != OURS
    assert path is not None
    assert f"leadstream-{'pure' if this else 'compiled'}-" in path


def test_what_has_no_sources_is_not_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(builds, "_LOCK", tmp_path / "requirements.lock")
    with pytest.raises(NotAvailable, match="clone of the repository"):
        ensure_build(pytest.fail, OURS, compiled=not is_compiled())


def test_a_python_is_told(tmp_path: Path) -> None:
    assert told_of(OURS) == f"{platform.python_version()} ({sys.executable})"
    with pytest.raises(NotAvailable):
        told_of(str(tmp_path / "none"))


@pytest.mark.parametrize("file", sorted(ROOMS.rglob("requirements.txt")), ids=lambda file: file.parent.name)
def test_requirements_are_exact(file: Path) -> None:
    assert all("==" in line for line in file.read_text().splitlines())


def test_what_two_want_is_made_once(tmp_path: Path) -> None:
    wanted, made = tmp_path / "cache" / "wanted", list[Path]()
    begun, go_on = threading.Event(), threading.Event()

    def make(directory: Path) -> None:
        made.append(directory)
        begun.set()
        assert go_on.wait(60)
        (directory / "whole").touch()

    with ThreadPoolExecutor() as threads:
        first = threads.submit(ensure, wanted, make)
        assert begun.wait(60)
        second = threads.submit(ensure, wanted, make)
        assert not second.done()
        go_on.set()
        first.result()
        second.result()
    assert made == [wanted]
    assert (wanted / "whole").exists()


def test_half_of_one_is_made_anew(tmp_path: Path) -> None:
    wanted = tmp_path / "wanted"

    def fail(directory: Path) -> None:
        (directory / "half").touch()
        raise NotAvailable("no network")

    with pytest.raises(NotAvailable):
        ensure(wanted, fail)
    ensure(wanted, lambda directory: (directory / "whole").touch())
    assert sorted(path.name for path in wanted.iterdir()) == ["complete", "whole"]
    ensure(wanted, fail)


def test_what_cannot_be_set_up_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotAvailable, match="sh failed: no such package"):
        run_program(["sh", "-c", "echo no such package >&2; exit 3"])
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotAvailable, match="needs Maven"):
        ensure_maven("peers/kafka_streams", lambda _: None)
    with pytest.raises(NotAvailable, match="no-such-program"):
        run_program(["no-such-program"])
