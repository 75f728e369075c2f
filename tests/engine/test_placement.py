"""Records in the wrong place are sent on once; records that cannot be used are answered, not applied."""

import json

import pytest

from processors.kafka.placement import partition_for
from tests.engine.harness import PARTITIONS, Site
from tests.engine.toys import HALT, POISON

pytestmark = pytest.mark.integration


def value(key: str, **more: str) -> bytes:
    return json.dumps({"key": key, "id": "x", **more}).encode()


def test_misplaced_and_rejected(site: Site) -> None:
    """Wrong partition, wrong key, no key, wrong topic; poison with and without a key."""
    site.create_chain()
    for i in range(40):
        key = f"g{i}.1"
        right = partition_for(key.encode(), PARTITIONS)
        site.send("a", key, value(key))
        site.send("a", key, value(key), partition=(right + 1) % PARTITIONS)
        site.send("a", "other", value(key))
        site.send("a", None, value(key), partition=i % PARTITIONS)
        site.send("b", f"g{i}", value(key, topic=site.names("a")))
        site.send("a", key, POISON)
        site.send("b", None, POISON, partition=i % PARTITIONS)
    site.flush()
    worker = site.worker().start()
    site.caught_up("a", "b", "mid")
    assert worker.terminate() == 0
    assert worker.stats()["forwarded"] == 40 * 4
    assert worker.stats()["rejected"] == 40 * 2
    site.check_chain()
    # Every event has arrived under its key, as the five it is.
    counts = {m.key(): int(m.value()[1:]) for m in site.read("first-changelog")}
    assert counts == {f"g{i}.1".encode(): 5 for i in range(40)}
    dead = site.read("dead")
    assert len(dead) == 80
    assert {m.value() for m in dead} == {POISON}
    assert all(m.headers() == [("why", b"poison")] for m in dead)
    assert all(m.partition() == partition_for(m.key(), PARTITIONS) for m in dead if m.key())


def test_halt(site: Site) -> None:
    """A processor can stop the worker: exit code 65, a message, no traceback; the record is not passed."""
    site.create_chain()
    site.send("a", "k.1", value("k.1"))
    site.send("a", "k.1", HALT)
    site.flush()
    worker = site.worker().start()
    assert worker.wait() == 65
    assert "told to" in worker.log_text()
    assert "Traceback" not in worker.log_text()
    assert site.lag("a") == 2
    assert site.read("mid") == []
