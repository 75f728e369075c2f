"""Whatever happens to workers: every record counts once, in the outputs, the changelogs and the stores."""

import random
import signal

import pytest

from processors.engine.steps import Step
from tests.engine.harness import Site, eventually

pytestmark = pytest.mark.integration

SOURCES = ("a", "b", "mid")


def aborted(site: Site) -> int:
    """Records that read_uncommitted readers would have seen, and nobody else."""
    topics = ("mid", "out", "first-changelog", "second-changelog")
    return sum(len(site.read(t, "read_uncommitted")) - len(site.read(t)) for t in topics)


def test_kill_at_every_step(site: Site) -> None:
    """One worker, killed once at each step of a batch and started again by the same name."""
    site.create_chain()
    site.load_chain(9000)
    worker = site.worker()
    for step in Step:
        # The n-th time, so that the batch has outputs, changelogs and a predecessor.
        worker.start(at=step, nth=7 if step is Step.STORED else 2)
        assert worker.wait() == -signal.SIGKILL, step
    worker.start()
    site.caught_up(*SOURCES)
    assert worker.terminate() == 0
    site.check_chain()
    # The deaths were real: some of what the killed processes wrote is there, aborted.
    assert aborted(site) > 0


@pytest.mark.parametrize(
    ("static", "kills", "state"),
    [
        pytest.param(True, 5, "rocksdb", id="static members"),  # back before anybody notices
        pytest.param(True, 3, "memory", id="state in memory"),
        # Each costs a session timeout, and an open transaction.
        pytest.param(False, 2, "rocksdb", id="dynamic members"),
    ],
)
def test_random_kills(site: Site, static: bool, kills: int, state: str) -> None:
    """Three workers, killed at random moments and started again."""
    site.create_chain()
    workers = [site.worker(static=static, transaction_timeout_s=3.0, state=state).start() for _ in range(3)]
    dice = random.Random(7)
    for _ in range(kills):
        site.load_chain(1500)
        victim = dice.choice(workers)
        eventually("at work", lambda: site.lag("a", "b") < 1500)
        assert victim.kill() == -signal.SIGKILL
        victim.start().ready()
    site.caught_up(*SOURCES)
    assert [worker.terminate() for worker in workers] == [0, 0, 0]
    site.check_chain()


def test_rolling_restart(site: Site) -> None:
    """SIGTERM to one of three workers after the other, under load: nothing lost or doubled, exit code 0."""
    site.create_chain()
    workers = [site.worker(static=False).start() for _ in range(3)]
    for worker in [*workers, *workers]:
        site.load_chain(2500)
        eventually("at work", lambda: site.lag("a", "b") < 2000)
        assert worker.terminate() == 0
        worker.start()
    site.caught_up(*SOURCES)
    assert [worker.terminate() for worker in workers] == [0, 0, 0]
    site.check_chain()
    # An orderly leave ends the transaction in flight: nothing was ever aborted.
    assert aborted(site) == 0


@pytest.mark.parametrize("step", [Step.BEGUN, Step.OFFSETS])
def test_frozen_worker(site: Site, step: Step) -> None:
    """Frozen for longer than its session, a worker wakes up when another has its partitions.

    Before its offsets are committed it is refused, and goes on as an ordinary member. After that its commit
    stands, and the other has waited for it.
    """
    site.create_chain()
    site.load_chain(4000)
    frozen = site.worker(static=False, transaction_timeout_s=25.0).start(at=step, nth=3, action="freeze")
    eventually("frozen", frozen.frozen)
    evicted = site.members()
    other = site.worker(static=False).start()
    eventually("evicted", lambda: bool(site.members() - evicted) and not site.members() & evicted)
    if step is Step.BEGUN:
        eventually("taken over", lambda: other.stats() != {})
    else:
        eventually("waiting", lambda: "to be decided" in other.log_text())
    site.load_chain(2000)
    frozen.signal(signal.SIGCONT)
    site.caught_up(*SOURCES)
    assert [frozen.terminate(), other.terminate()] == [0, 0]
    site.check_chain()
    if step is Step.BEGUN:
        assert frozen.stats()["fenced"] == 1
    else:  # It may begin one more batch before it hears the news.
        assert frozen.stats()["fenced"] <= 1
        assert other.stats()["stable_waits"] == 1
