"""Where a worker's state comes from when it starts."""

from pathlib import Path

import pytest

from tests.engine.harness import PARTITIONS, Site, eventually, site_of

pytestmark = pytest.mark.integration

SOURCES = ("a", "b", "mid")


def test_cold_and_warm(site: Site) -> None:
    """A new data directory is filled from the changelog; an old one reads only what it has missed."""
    site.create_chain()
    site.load_chain(3000)
    first, second = site.worker(static=False), site.worker(static=False)
    first.start()
    site.caught_up(*SOURCES)
    assert first.terminate() == 0
    history = sum(len(site.read(f"{table}-changelog")) for table in ("first", "second"))

    second.start()  # cold: everything
    site.load_chain(600)
    site.caught_up(*SOURCES)
    assert second.terminate() == 0
    assert second.stats()["restored"] == history
    grown = sum(len(site.read(f"{table}-changelog")) for table in ("first", "second"))

    first.start()  # warm: what the other has written
    site.load_chain(300)
    site.caught_up(*SOURCES)
    assert first.terminate() == 0
    assert first.stats()["restored"] == grown - history

    first.start()  # its own: nothing
    site.load_chain(300)
    site.caught_up(*SOURCES)
    assert first.terminate() == 0
    assert first.stats()["restored"] == 0
    site.check_chain()


def test_one_cold_partition_does_not_keep_the_others_waiting(site: Site) -> None:
    """Restoring one takes long: here, until somebody's transaction in its changelog is decided."""
    site.create_chain()
    site.load_chain(600)
    worker = site.worker(static=False).start()
    site.caught_up(*SOURCES)
    assert worker.terminate() == 0
    slow = 2
    with site.undecided("first-changelog", slow):
        site.load_chain(600)
        worker.start()
        others = [p for p in range(PARTITIONS) if p != slow]
        eventually("the others caught up", lambda: site.lag(*SOURCES, partitions=others) == 0, 60)
        # It has them for as long as it likes: nothing of the slow one was begun.
        assert site.lag("a", partitions=[slow]) > 0
        assert "records restored" not in worker.log_text().rpartition("generation begun")[2]
    site.caught_up(*SOURCES)
    assert worker.terminate() == 0
    site.check_chain()


def test_recreated_changelog_is_refused(site: Site) -> None:
    """A store that knows more than its changelog: stop with a clear message rather than diverge."""
    site.create_chain()
    site.load_chain(300)
    worker = site.worker().start()
    site.caught_up(*SOURCES)
    assert worker.terminate() == 0
    site.delete("first-changelog")
    site.create("first-changelog")
    assert worker.start().wait() == 70
    assert "ahead of its changelog" in worker.log_text()
    assert "Traceback" not in worker.log_text()


def test_state_of_another_application_is_refused(site: Site, tmp_path: Path) -> None:
    """Or of another cluster: its positions would be taken for positions in our changelogs."""
    site.create_chain()
    worker = site.worker().start()
    assert worker.terminate() == 0
    with site_of(site.bootstrap, site.names.prefix + "x", tmp_path / "x") as other:
        other.create_chain()
        stranger = other.worker(data_dir=worker.options["data_dir"]).start()
        assert stranger.wait() == 73
        assert f"holds the state of {site.names.prefix} on Kafka cluster" in stranger.log_text()
