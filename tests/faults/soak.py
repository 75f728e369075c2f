"""``make soak MINUTES=n``: steady traffic for so long, with faults mixed in, and an eye on memory.

Two workers are killed, frozen and restarted all the time; a third and the sink are left alone, and their
memory and open files are watched: what grows without end shows there. At the end everything is held against
the reference model, as in every scenario of the suite, and the number of pending customers as well. The
traffic is kept in memory, about a kilobyte for each event.
"""

import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import click

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.attribution import customer_join
from processors.attribution.meaning import meaning
from processors.clock import epoch_ms
from processors.engine import frame
from processors.worker.processors import CUSTOMERS_TABLE
from processors.worker.run import policy_of
from schemas.topics import split_key
from tests.faults.state import read_changelog
from tests.faults.traffic import mixed
from tests.faults.trial import FaultStack, Trial, trial_of
from tests.faults.verdict import markdown
from tests.integration.judgement import truth_of
from tests.integration.stack import Service

_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20
_WARM_UP = 0.25
_MOST_MB_PER_MINUTE = 5.0
_MOST_FILES_GROWN = 50


@dataclass
class Gauge:
    """Memory (MB) and open files of one process over time (minutes)."""

    service: Service
    minutes: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def sample(self, minute: float) -> None:
        assert self.service.process is not None
        proc = Path(f"/proc/{self.service.process.pid}")
        self.minutes.append(minute)
        self.memory.append(int((proc / "statm").read_text().split()[1]) * _PAGE_MB)
        self.files.append(len(list((proc / "fd").iterdir())))

    def slope(self) -> float:
        """MB per minute after the first quarter: least squares."""
        start = int(len(self.minutes) * _WARM_UP)
        x, y = self.minutes[start:], self.memory[start:]
        mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
        spread = sum((a - mean_x) ** 2 for a in x)
        return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread if spread else 0.0

    def files_grown(self) -> int:
        """Since the warm-up."""
        return self.files[-1] - self.files[int(len(self.files) * _WARM_UP)]


def harms(trial: Trial, victims: list[Service], clickhouse: LocalClickHouse) -> list[Callable[[], None]]:
    """Each harms somebody and lets things recover."""

    def kill() -> None:
        trial.kill(trial.dice.choice(victims))

    def restart() -> None:
        victim = trial.dice.choice(victims)
        assert victim.stop() == 0
        trial.restart(victim)
        trial.at_work(victim)

    def freeze() -> None:
        victim = trial.dice.choice(victims)
        victim.send_signal(signal.SIGSTOP)
        trial.let_pass(trial.dice.uniform(1, 15))
        victim.send_signal(signal.SIGCONT)

    def kill_clickhouse() -> None:
        clickhouse.kill()
        clickhouse.start()

    return [kill, kill, restart, freeze, kill_clickhouse]


def pending_in_stores(trial: Trial) -> int:
    """Customers with a touch that makes them pending and no lead yet, by the committed state."""
    newest: dict[bytes, bytes | None] = {}
    for records in read_changelog(trial.stack, trial.group, CUSTOMERS_TABLE).values():
        newest.update((key, raw) for _, key, raw in records)
    policy = policy_of(trial.stack.settings)
    pending = 0
    for key, raw in newest.items():
        if raw is not None:
            customer = meaning(*split_key(key), customer_join.load(frame.body(raw)), policy).customer
            pending += customer is not None and customer.qualified_ms is None
    return pending


@click.command()
@click.option("--minutes", type=float, default=10, show_default=True)
@click.option("--per-second", type=int, default=300, show_default=True, help="Events.")
@click.option("--seed", type=int, default=20, show_default=True)
def soak(minutes: float, per_second: int, seed: int) -> None:
    """Steady traffic with faults mixed in. Exit code 1: something is lost, doubled, or grows.

    Example: python -m tests.faults.soak --minutes 60
    """
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as directory,
        LocalKafka(Path(directory) / "kafka") as kafka,
        LocalClickHouse(Path(directory) / "clickhouse") as clickhouse,
    ):
        stack_dir = Path(directory) / "stack"
        stack_dir.mkdir()
        stack = FaultStack(
            kafka.bootstrap, clickhouse.url, "soak", stack_dir, LEADSTREAM_SESSION_TIMEOUT="6s"
        )
        events = mixed(int(minutes * 60 * per_second), seed)
        with trial_of(Trial(f"soak of {minutes:g} min", seed, stack, events)) as trial:
            exit_code = run(trial, clickhouse, per_second)
    sys.exit(exit_code)


def run(trial: Trial, clickhouse: LocalClickHouse, per_second: int) -> int:
    quiet, *victims = trial.workers(3)
    gauges = [Gauge(quiet), Gauge(trial.stack.sink())]
    load = trial.begin(per_second)
    trial.supervise()
    choices = harms(trial, victims, clickhouse)
    started = sampled = harmed = time.monotonic()
    pause = 10.0
    while load.is_alive():
        now = time.monotonic()
        if now - sampled > 1:
            for gauge in gauges:
                gauge.sample((now - started) / 60)
            sampled = now
        if now - harmed > pause and load.sent < 0.95 * len(trial.events):
            trial.dice.choice(choices)()
            trial.faults += 1
            harmed, pause = time.monotonic(), random.Random(trial.faults).uniform(5, 30)
        trial.let_pass(0.2)
    verdict = trial.conclude()
    found, expected = pending_in_stores(trial), pending_by_model(trial)
    click.echo(markdown([verdict]))
    for gauge in gauges:
        click.echo(
            f"{gauge.service.command[0]}: {gauge.memory[-1]:.0f} MB, {gauge.slope():+.2f} MB/min; "
            f"{gauge.files[-1]} files, {gauge.files_grown():+d}"
        )
    click.echo(f"pending customers: {found:,} in the stores, {expected:,} by the model")
    grows = any(
        gauge.slope() > _MOST_MB_PER_MINUTE or gauge.files_grown() > _MOST_FILES_GROWN for gauge in gauges
    )
    wrong = verdict.lost or verdict.unexpected or verdict.doubled or found != expected
    return 1 if wrong or grows or "open transaction" in verdict.note else 0


def pending_by_model(trial: Trial) -> int:
    outcome = truth_of(trial.stack, epoch_ms()).outcome
    return sum(customer.status == "pending" for customer in outcome.customers.values())


if __name__ == "__main__":
    soak()
