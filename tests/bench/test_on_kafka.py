"""The bench itself, small, on the real broker."""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.contestants import Contestant, Launch
from bench.run import QUICK, Result, Step, run_bench
from bench.site import Site
from bench.verdict import Verdict
from deploy.local.kafka import LocalKafka
from processors.cli.main import main

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


@pytest.mark.parametrize(("how", "wrong"), [("lose", "lost"), ("double", "doubled"), ("change", "changed")])
def test_a_contestant_that_cheats_does_not_count(
    kafka: LocalKafka, tmp_path: Path, how: str, wrong: str
) -> None:
    def launch(site: Site) -> Launch:
        topics: dict[str, dict[str, str]] = {f"{site.run}-changelog": {}}
        return Launch([site.command(sys.executable, "-m", "tests.bench.cheat", how)], site.run, topics)

    step = Step("throughput", "w1", Contestant(how, how, "none", {"w1": launch}), 1)
    sizes = replace(QUICK, customers=1_000, patience_s=3.0)
    results: list[Result] = []
    asyncio.run(run_bench(kafka.bootstrap, 2, tmp_path, [step], sizes, results.append))
    (result,) = results
    assert result.figures is not None, result.failure
    verdict = result.figures.verdict
    assert not result.counts
    assert verdict == replace(Verdict(verdict.expected, 0, 0, 0, 0), **{wrong: 1})
