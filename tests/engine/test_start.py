"""What a worker looks at before it joins its group."""

import signal

import pytest

from processors.engine.steps import Step
from tests.engine.harness import PARTITIONS, Site, eventually

pytestmark = pytest.mark.integration


def test_wrong_partition_count(site: Site) -> None:
    """A topic with another number of partitions, and one that is not there: both named, with the remedy."""
    site.create("a", "b", "out", "dead", "first-changelog", "second-changelog")
    site.create("mid", partitions=3)
    worker = site.worker().start()
    assert worker.wait() == 78
    assert f"'{site.names('mid')}' (source of 'second') has 3 partitions, needs 4" in worker.log_text()
    assert "leadstream topics create" in worker.log_text()
    assert "generation" not in worker.log_text()


def test_missing_topic(site: Site) -> None:
    """The changelogs are looked for as well."""
    site.create("a", "b", "mid", "out", "dead", "first-changelog")
    worker = site.worker().start()
    assert worker.wait() == 78
    assert f"'{site.names('second-changelog')}' (changelog of 'second') does not exist" in worker.log_text()


def test_data_dir_in_use(site: Site) -> None:
    """A second process on the same directory is refused, and leaves the first alone."""
    site.create_chain()
    first = site.worker().start().ready()
    second = site.worker(data_dir=first.options["data_dir"]).start()
    assert second.wait() == 73
    assert "is in use by process" in second.log_text()
    site.load_chain(300)
    site.caught_up("a", "b", "mid")
    assert first.terminate() == 0
    site.workers.remove(second)
    site.check_chain()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_orderly_stop(site: Site, how: signal.Signals) -> None:
    """Exit code 0, quickly, nothing said."""
    site.create_chain()
    site.load_chain(300)
    worker = site.worker().start()
    site.caught_up("a", "b", "mid")
    worker.signal(how)
    assert worker.wait(5) == 0
    assert all(" INFO processors.engine" in line for line in worker.log_text().splitlines())
    site.check_chain()


def test_a_backlog_is_taken_evenly(site: Site) -> None:
    """The first batch has something of every source: what waits for a partner meets it soon."""
    site.create_chain()
    site.load_chain(12_000)
    worker = site.worker(max_batch=4_000, max_buffer=12_000)
    assert worker.start(at=Step.ENDED, nth=1).wait() == -signal.SIGKILL
    eventually("committed", lambda: site.lag("a") < 8_000)
    assert 0 < site.lag("b") < 4_000


def test_no_more_is_fetched_ahead_than_there_is_room_for(site: Site) -> None:
    """One record of each partition on top: no partition is left out for want of room."""
    site.create_chain()
    site.load_chain(6_000)
    worker = site.worker(max_batch=100, max_buffer=400).start()
    site.caught_up("a", "b", "mid")
    assert worker.terminate() == 0
    assert 100 < worker.stats()["most_queued"] <= 400 + 3 * PARTITIONS
    site.check_chain()
