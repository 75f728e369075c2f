"""Tables are medians of the runs that count."""

import json

from bench.contestants import CONTESTANTS
from bench.environments import OURS
from bench.expiry import Figures, Life
from bench.latency import Latency, Percentiles
from bench.parts import Told
from bench.plan import QUICK, Step
from bench.report import Results, document, lines, markdown
from bench.run import Result
from bench.throughput import Throughput
from bench.verdict import Verdict

GOOD = Verdict(10, 0, 0, 0, 0)
US, COMPILED = CONTESTANTS[:2]


def ran(cpu_us: float, verdict: Verdict = GOOD, number: int = 1) -> Result:
    figures = Throughput(cpu_us, 20.0, 50_000.0, 40_000.0, 0.8, 100_000_000, verdict)
    return Result(Step("throughput", "w1", US, number), figures)


def of(*runs: Result) -> Results:
    return Results(OURS, QUICK, [*runs])


def test_medians_of_what_counts() -> None:
    results = of(ran(9.0), ran(11.0), ran(10.0), ran(1.0, Verdict(10, 1, 0, 0, 0)))
    results.runs.append(Result(Step("throughput", "w1", US, 5), None, "died: of something"))
    assert "| Leadstream, 1 process | 3 | 10.0 | 20.0 | 50,000 | 40,000 | 100 | 0.8 |" in markdown(results)
    assert "1 lost" in lines(results.runs[3])
    assert "died: of something" in lines(results.runs[4])
    lost, died = results.wrong()
    assert "1 lost" in lost
    assert "died: of something" in died


def test_nothing_counts() -> None:
    assert markdown(of(ran(1.0, Verdict(10, 0, 0, 1, 0)))) == ""


def test_each_rate_is_a_row() -> None:
    def at(rate: int, p50: float) -> Result:
        leads = {"qualified": Percentiles(9, p50, p50 * 2, p50 * 3, p50 * 4)}
        return Result(Step("latency", "w2", US, 1, rate), Latency(rate, rate, 100.0, leads, GOOD))  # type: ignore[arg-type]

    table = markdown(of(at(1_000, 5.0), at(200, 4.0), at(1_000, 7.0)))
    assert "| Leadstream, 1 process | 200 | 1 | 4.0 | 8.0 | 12.0 | 100 |" in table
    assert "| Leadstream, 1 process | 1,000 | 2 | 6.0 | 12.0 | 18.0 | 100 |" in table


def test_the_document_has_every_run() -> None:
    found = json.loads(json.dumps(document(of(ran(9.0), ran(1.0, Verdict(10, 1, 0, 0, 0))))))
    assert [run["counts"] for run in found["runs"]] == [True, False]
    assert found["runs"][0]["figures"]["steady_cpu_us"] == 9.0
    assert found["machine"]["cores"] >= 1
    assert found["machine"]["python"].endswith(f"({OURS})")


def test_pure_and_compiled_stand_side_by_side() -> None:
    compiled = Result(Step("throughput", "w1", COMPILED, 1), ran(6.5).figures)
    rows = markdown(of(ran(9.0), compiled)).splitlines()[4:6]
    assert [row.split(" | ")[0] for row in rows] == [f"| {US.title}", f"| {COMPILED.title}"]


def test_parts_follow_the_tables_and_count_as_runs() -> None:
    life = Life(10, 2.0, 1.0, 0, 0, 5, 6)
    results = of(ran(9.0))
    results.parts["expiry"] = Told(Figures(1.0, [life], [life]), "| a | table |\n", "no click was dropped")
    assert markdown(results).endswith("### expiry\n\n| a | table |\n")
    assert results.wrong() == ["expiry: no click was dropped"]
    assert results.count == 2
    [found] = document(results)["parts"].values()
    assert found["figures"]["aging"][0]["cpu_us"] == 2.0
    assert found["failure"] == "no click was dropped"
