"""What `up` notes of its processes."""

from pathlib import Path

from processors.status.roster import Roster, noted_in


def test_starts_and_ends_are_noted_in_order(tmp_path: Path) -> None:
    now = iter(range(1_000, 100_000, 1_000))
    roster = Roster(tmp_path, lambda: next(now))
    roster.started("Kafka", 11, tmp_path / "kafka.log")
    roster.started("sink", 12, tmp_path / "sink.log")
    roster.ended("Kafka", "was killed by SIGKILL")
    kafka, sink = noted_in(tmp_path)
    assert (kafka.name, kafka.pid, kafka.restarts, kafka.alive) == ("Kafka", None, 0, False)
    assert (sink.name, sink.pid, sink.since_ms) == ("sink", 12, 2_000)
    roster.started("Kafka", 13, tmp_path / "kafka.log")
    kafka, _ = noted_in(tmp_path)
    assert (kafka.pid, kafka.restarts, kafka.ended) == (13, 1, "was killed by SIGKILL")
    assert kafka.ended_ms < kafka.since_ms
    assert (tmp_path / "processes.json").stat().st_mode & 0o077 == 0
    roster.clear()
    assert noted_in(tmp_path) == []


def test_what_cannot_be_written_is_left_out(tmp_path: Path) -> None:
    roster = Roster(tmp_path / "gone")
    roster.started("Kafka", 11, tmp_path / "kafka.log")
    roster.clear()
    assert noted_in(tmp_path / "gone") == []


def test_what_is_no_note_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "processes.json").write_text("[{]")
    assert noted_in(tmp_path) == []
