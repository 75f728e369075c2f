"""Records that end a worker, and too many that it rejects, on a real broker."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.engine.rejections import SPAN, Window
from processors.engine.trouble import Failure, Trouble, failure_of_expiry, metadata_of, trouble_of
from tests.engine.harness import PARTITIONS, Site, eventually
from tests.engine.toys import BUG, POISON

integration = pytest.mark.integration

TAKEN = 4_096
"""Bytes of metadata that a broker takes with an offset, unless told otherwise."""

FAILURES = st.builds(
    Failure,
    offset=st.integers(0, (1 << 63) - 1),
    digest=st.text("0123456789abcdef", min_size=32, max_size=32),
    cause=st.builds(lambda text: failure_of_expiry(b"k", 1, ValueError(text)).cause, st.text()),
    deaths=st.integers(1, 10_000),
    due=st.booleans(),
)
ORIGINS = st.none() | st.just("") | st.from_regex(r"workspace [A-Za-z0-9_-]{1,64}", fullmatch=True)
TROUBLES = st.builds(
    Trouble,
    failures=st.lists(FAILURES, max_size=2).map(tuple),
    quarantined_ms=st.lists(st.integers(0, 1 << 42), max_size=20).map(tuple),
    window=st.lists(ORIGINS, max_size=8).map(lambda some: Window(tuple(some * 200)[:SPAN])),
)


@given(TROUBLES)
def test_what_is_committed_is_what_is_read(trouble: Trouble) -> None:
    assert trouble_of(metadata_of(trouble)) == trouble


def test_it_never_is_more_than_a_broker_takes() -> None:
    trouble, at_ms = Trouble(), 1 << 42
    for number in range(100):
        cause = ValueError('"\x07\\é🙂' * 1_000)
        failure = replace(failure_of_expiry(b"k%d" % number, (1 << 63) - number, cause), deaths=10_000)
        trouble = trouble.after_death(failure)
        trouble = trouble.after_quarantine(failure, at_ms).after_death(failure)
    names = [f"workspace {number:064}" for number in range(40)]
    trouble = replace(trouble, window=Window(tuple(names * 25)))
    assert len(trouble.quarantined_ms) == 20
    assert len(metadata_of(trouble).encode()) < TAKEN
    assert trouble_of(metadata_of(trouble)).window.rejected == SPAN


@pytest.mark.parametrize("metadata", ["", "consumer-1", "{", "[]", '{"failures":7}', '{"other":1}', "\x00"])
def test_what_others_have_committed_is_no_trouble(metadata: str) -> None:
    assert trouble_of(metadata) == Trouble()


@integration
@pytest.mark.parametrize("state", ["rocksdb", "memory"])
def test_a_record_ends_the_worker_twice_and_no_more(site: Site, state: str) -> None:
    """Without a disk as well. Nobody else's results are lost, or there twice."""
    site.create_chain()
    site.load_chain(200)
    site.send("a", "g1.1", json.dumps({"key": "g1.1", "id": BUG.decode()}).encode())
    site.load_chain(200)
    worker = site.worker(state=state)
    for _ in range(2):
        assert worker.start().wait() == 70
        if state == "memory":
            shutil.rmtree(Path(worker.options["data_dir"]))
    assert "KeyError: 'g1.1'" in worker.log_text()
    assert "has ended the worker 2 times; the next start passes it over" in worker.log_text()
    worker.start()
    site.caught_up("a", "b", "mid")
    assert worker.terminate() == 0
    [letter] = site.read("dead")
    assert dict(letter.headers()) == {"why": b"failed", "detail": b"KeyError: 'g1.1'"}
    assert " ERROR " in next(
        line for line in worker.log_text().splitlines() if "is a dead letter now: KeyError" in line
    )
    assert worker.stats()["quarantined"] == 1
    site.check_chain()


@integration
def test_a_partition_of_rejected_records_stands_still_and_the_others_go_on(site: Site) -> None:
    """However often it is started: what has been let through stays below the limit."""
    site.create_chain()
    site.load_chain(600)
    for _ in range(700):
        site.send("a", "g1.1", POISON, partition=0)
    site.load_chain(600)
    site.flush()
    behind = [m for m in site.read("a") if m.partition() == 0]
    worker = site.worker(rejected=0.5)
    for _ in range(2):
        worker.start()
        eventually("stopped", lambda: worker.stats().get("stopped") == 1)
        site.caught_up("b", "mid")
        eventually("the others caught up", lambda: 0 < site.lag("a") <= len(behind))
        assert site.lag("a") >= 700 - 500
        assert worker.terminate() == 0
        assert len(site.read("dead")) <= 500
        Path(worker.options["data_dir"]).with_suffix(".stats").unlink()
    assert f"{site.names('a')}, partition 0, stands still: 501 of the last " in worker.log_text()
    assert "Nothing was skipped. Ask them." in worker.log_text()

    worker.start(rejected=1.0)
    site.caught_up("a", "b", "mid")
    assert worker.terminate() == 0
    assert len(site.read("dead")) == 700
    site.check_chain()


@integration
def test_a_worker_that_has_nothing_left_of_a_topic_ends(site: Site) -> None:
    """And so does each that takes its place, until the operator has decided."""
    site.create_chain()
    for number in range(PARTITIONS * 600):
        site.send("a", b"k", POISON, partition=number % PARTITIONS)
    site.flush()
    worker = site.worker(rejected=0.5)
    for _ in range(2):
        assert worker.start().wait() == 65
    assert len(site.read("dead")) <= 500
