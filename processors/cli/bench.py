"""``leadstream bench``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from processors.cli.errors import CheckFailed

if TYPE_CHECKING:
    from bench.run import Result

# Known without importing the bench; a test holds them against it.
CONTESTANTS = (
    "leadstream",
    "leadstream-2",
    "streams-eos",
    "streams-alo",
    "quix-eos",
    "quix-alo",
    "bytewax",
    "confluent",
    "aiokafka",
    "faust",
)


@click.command()
@click.option(
    "--only", multiple=True, type=click.Choice(CONTESTANTS), help="Only these contestants.  [default: all]"
)
@click.option("--workload", multiple=True, type=click.Choice(["w1", "w1-long", "w2"]), help="[default: all]")
@click.option(
    "--measure",
    multiple=True,
    type=click.Choice(["throughput", "latency", "recovery", "sink"]),
    help="[default: everything]",
)
@click.option("--runs", type=click.IntRange(1), help="Runs of each measurement.  [default: 5; 1 if quick]")
@click.option(
    "--events", type=click.IntRange(1_000), help="Events of w2.  [default: 200,000; 20,000 if quick]"
)
@click.option(
    "--customers", type=click.IntRange(500), help="Customers of w1.  [default: 150,000; 10,000 if quick]"
)
@click.option("--rate", multiple=True, type=click.IntRange(1), help="Events per second of latencies.")
@click.option("--seconds", type=click.IntRange(5), help="How long a rate is kept.  [default: 15; 6 if quick]")
@click.option("--quick", is_flag=True, help="Small and once: does it work? The figures mean little.")
@click.option("--kafka", metavar="HOST:PORT", help="Use this broker instead of an embedded one.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("bench-results"),
    show_default=True,
    help="Where results and logs are written.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def bench(
    only: tuple[str, ...],
    workload: tuple[str, ...],
    measure: tuple[str, ...],
    runs: int | None,
    events: int | None,
    customers: int | None,
    rate: tuple[int, ...],
    seconds: int | None,
    quick: bool,
    kafka: str | None,
    out: Path,
    as_json: bool,
) -> None:
    """Measure Leadstream on a real broker, beside others who do the same work.

    \b
    Workloads
      w1  the customer join alone, which every contestant can do
      w2  the whole pipeline: 100 clicks to 12 deferred leads to 6 qualifications to 2 purchases

    The leads of every run are held against what has to come out: a run that loses, doubles or changes one
    does not count. Figures of one run compare with each other, not with those of another machine or day.

    \b
    Examples:
      leadstream bench --quick
      leadstream bench --only leadstream --workload w2 --measure throughput
      leadstream bench --only leadstream --measure latency --rate 2000

    Linux only: CPU and memory are read from the kernel's accounting. Starts a Kafka of its own, with nothing
    else on it, unless --kafka names one.

    Exit codes: 0 done, 1 a contestant died or its leads were wrong, 69 no broker, 130 interrupted.
    """
    import asyncio
    from dataclasses import replace

    from bench import contestants
    from bench.environments import NotAvailable
    from bench.report import lines, write
    from bench.run import FULL, MEASURES, QUICK, WORKLOADS, run_bench, steps
    from processors.cli.bench_kafka import broker
    from processors.cli.progress import Bar

    sizes = QUICK if quick else FULL
    sizes = replace(
        sizes,
        runs=runs or sizes.runs,
        events=events or sizes.events,
        customers=customers or sizes.customers,
        seconds=seconds or sizes.seconds,
        rates=rate or sizes.rates,
    )
    chosen = []
    for one in contestants.CONTESTANTS:
        if not only or one.name in only:
            try:
                one.prepare(lambda text: click.echo(text, err=True))
            except NotAvailable as why:
                click.secho(f"WITHOUT {one.title}: {why}", err=True, fg="yellow", bold=True)
            else:
                chosen.append(one)
    todo = list(
        steps(chosen, workload or WORKLOADS, measure or MEASURES, sizes)  # type: ignore[arg-type]
    )
    out.mkdir(parents=True, exist_ok=True)
    with Bar("measuring", len(todo), "runs") as bar, broker(kafka, bar.say) as bootstrap:

        def tell(result: "Result") -> None:
            bar.advance(1)
            bar.say(lines(result))

        results = asyncio.run(run_bench(bootstrap, 8, out / "logs", todo, sizes, tell))
    text = write(out, results, sizes, as_json=as_json)
    click.echo(text)
    wrong = [result for result in results if result.figures is None or not result.figures.verdict.good]
    if wrong:
        raise CheckFailed(
            f"{len(wrong)} of {len(results)} runs do not count: {wrong[0].step}"
            f" {wrong[0].failure or (wrong[0].figures and wrong[0].figures.verdict)}"
        )
