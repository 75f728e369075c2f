"""The bench itself, small, on the real broker."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.contestants import CONTESTANTS, Contestant, Launch
from bench.environments import OURS
from bench.plan import QUICK, Step
from bench.report import Results, write
from bench.run import Result, run_bench
from bench.site import Site
from bench.throughput import Throughput
from bench.verdict import Verdict
from deploy.local.kafka import LocalKafka
from deploy.local.process import Child
from processors.cli.main import main
from processors.errors import ExitCode
from processors.programs import isolated
from tests.conftest import eventually

pytestmark = pytest.mark.integration


def test_leadstream_is_measured_and_loses_nothing(
    kafka: LocalKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = Path("out")  # as it is by default, seen from where the command is called
    measure = ["bench", "--quick", "--only", "leadstream", "--measure", "throughput", "--measure", "latency"]
    assert main([*measure, "--workload", "w2", "--kafka", kafka.bootstrap, "--out", str(out)]) == 0
    throughput, latency = json.loads((out / "results.json").read_text())["runs"]
    assert throughput["counts"]
    assert throughput["figures"]["verdict"]["expected"] > 100
    assert 0 < throughput["figures"]["steady_cpu_us"] < throughput["figures"]["total_cpu_us"]
    assert latency["counts"]
    qualified = latency["figures"]["leads"]["qualified"]
    assert 0 < qualified["p50"] <= qualified["p95"] <= qualified["p99"] <= qualified["longest"]
    assert "Leadstream, 1 process" in (out / "results.svg").read_text()
    assert "| Leadstream, 1 process | 1 |" in (out / "results.md").read_text()


def test_ctrl_c_keeps_what_there_is(kafka: LocalKafka, tmp_path: Path) -> None:
    out, log = tmp_path / "out", tmp_path / "log"
    asked = ["bench", "--quick", "--only", "aiokafka", "--workload", "w1", "--measure", "throughput"]
    asked += ["--runs", "1000", "--kafka", kafka.bootstrap, "--out", str(out)]
    child = Child(isolated("processors.cli.main", *asked), cwd=tmp_path, env=os.environ, log_path=log)
    try:
        eventually(lambda: "1 of 1000, " in log.read_text(), 120)
        os.kill(child.pid, signal.SIGINT)
        eventually(lambda: not child.alive, 60)
    finally:
        child.kill()
    assert child.returncode == ExitCode.INTERRUPTED, log.read_text()
    runs = json.loads((out / "results.json").read_text())["runs"]
    assert 1 <= len(runs) < 1000
    assert runs[0]["counts"]
    assert "loop on aiokafka" in (out / "results.md").read_text()


def test_the_picture_has_pure_and_compiled(tmp_path: Path) -> None:
    figures = Throughput(9.0, 20.0, 50_000.0, 40_000.0, 0.8, 100_000_000, Verdict(10, 0, 0, 0, 0))
    runs = [Result(Step("throughput", "w1", one, 1), figures) for one in CONTESTANTS[:2]]
    write(tmp_path, Results(OURS, QUICK, runs), lambda _: None, as_json=False)
    drawn = (tmp_path / "results.svg").read_text()
    assert all(one.title in drawn for one in CONTESTANTS[:2])


@pytest.mark.parametrize(("how", "wrong"), [("lose", "lost"), ("double", "doubled"), ("change", "changed")])
def test_a_contestant_that_cheats_does_not_count(
    kafka: LocalKafka, tmp_path: Path, how: str, wrong: str
) -> None:
    def launch(site: Site) -> Launch:
        topics: dict[str, dict[str, str]] = {f"{site.run}-changelog": {}}
        return Launch([site.command(sys.executable, "-m", "tests.bench.cheat", how)], site.run, topics)

    step = Step("throughput", "w1", Contestant(how, how, "none", {"w1": launch}, pace=50_000), 1)
    sizes = replace(QUICK, customers=1_000, patience_s=3.0)
    results: list[Result] = []
    asyncio.run(run_bench(kafka.bootstrap, 2, tmp_path, [step], sizes, results.append))
    (result,) = results
    assert result.figures is not None, result.failure
    verdict = result.figures.verdict
    assert not result.counts
    assert verdict == replace(Verdict(verdict.expected, 0, 0, 0, 0), **{wrong: 1})
