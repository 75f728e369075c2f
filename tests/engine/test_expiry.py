"""Due states are given up once, late rather than early.

What takes an outage or a slow worker is in ``test_without_broker.py``.
"""

import pytest

from processors.engine.steps import Step
from tests.engine.harness import Site, Worker, eventually

pytestmark = pytest.mark.integration

HOLD_MS = 1000


def created(site: Site, state: str = "rocksdb") -> Worker:
    site.create("ask", "answer", "met", "given-up", "held-changelog")
    return site.worker("holder", hold_ms=HOLD_MS, state=state)


def keys(site: Site, topic: str) -> list[bytes]:
    return sorted(message.key() for message in site.read(topic))


def ask(site: Site, topic: str, numbers: range) -> None:
    for i in numbers:
        site.send(topic, f"k{i}", b"x")
    site.flush()


def test_expires_once(site: Site) -> None:
    """Half of the asks are answered; each of the others is given up exactly once, not before its time."""
    worker = created(site).start()
    ask(site, "ask", range(400))
    ask(site, "answer", range(0, 400, 2))
    eventually("given up", lambda: len(site.read("given-up")) == 200)
    site.caught_up("ask", "answer")
    assert worker.terminate() == 0
    assert keys(site, "met") == sorted(b"k%d" % i for i in range(0, 400, 2))
    assert keys(site, "given-up") == sorted(b"k%d" % i for i in range(1, 400, 2))
    asked = {message.key(): message.timestamp()[1] for message in site.read("ask")}
    for message in site.read("given-up"):
        assert int(message.value()) >= asked[message.key()] + HOLD_MS
    site.check_table("held", {b"k%d" % i: b"[%d,1]" % n for i, n in answered(site)})


def answered(site: Site) -> list[tuple[int, int]]:
    """(number of the key, its arrival) of the states that must remain, from the changelog."""
    states = {m.key(): m.value() for m in site.read("held-changelog")}
    kept = [(int(key[1:]), value) for key, value in states.items() if value is not None]
    return [(i, int(value[1:].strip(b"[]").split(b",")[0])) for i, value in kept]


@pytest.mark.parametrize(
    ("step", "state"), [(Step.PRODUCED, "rocksdb"), (Step.ENDED, "rocksdb"), (Step.PRODUCED, "memory")]
)
def test_kill_while_expiring(site: Site, step: Step, state: str) -> None:
    """Killed in the batch that expires them, before or after its end: still once. The index is rebuilt."""
    worker = created(site, state)
    ask(site, "ask", range(300))
    worker.start(max_batch=1000)
    eventually("asked", lambda: worker.stats().get("events") == 300)
    assert worker.kill() < 0
    worker.start(at=step)  # the next batch is the expiry
    assert worker.wait() < 0
    worker.start()
    eventually("given up", lambda: len(site.read("given-up")) >= 300)
    site.caught_up("ask", "answer")
    assert worker.terminate() == 0
    assert keys(site, "given-up") == sorted(b"k%d" % i for i in range(300))
    site.check_table("held", {})
