"""What Prometheus reads."""

import socket
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from processors.engine import Stats as WorkerStats
from processors.metrics import SINK, WORKER, Metric, PortInUse, page, serve
from processors.sink.stats import Stats as SinkStats

PAGE = Path(__file__).parent.parent / "docs" / "metrics.md"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def read(port: int) -> dict[str, dict[str, float]]:
    """By name and label's value; as Prometheus would."""
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})["".join(sample.labels.values())] = sample.value
    return found


def test_a_worker_tells_what_it_has_done_so_far() -> None:
    stats = WorkerStats()
    port = serve(free_port(), WORKER, stats)
    assert read(port)["leadstream_worker_quarantined_total"] == {"": 0}
    stats.quarantined, stats.stopped, stats.busy_seconds = 2, 1, 0.5
    found = read(port)
    assert found["leadstream_worker_quarantined_total"] == {"": 2}
    assert found["leadstream_worker_stopped_partitions"] == {"": 1}
    assert found["leadstream_worker_batch_seconds_total"] == {"": 0.5}
    assert found.keys() == {one.shown_as for one in WORKER}


def test_a_sink_tells_of_each_table_and_not_what_it_does_not_know() -> None:
    stats = SinkStats()
    port = serve(free_port(), SINK, stats)
    assert "leadstream_sink_lag" not in read(port)
    stats.stored("leads_raw", 3)
    stats.stored("sales_raw", 1)
    stats.lag, stats.waiting_because = 7, "ClickHouse is away"
    found = read(port)
    assert found["leadstream_sink_rows_total"] == {"leads_raw": 3, "sales_raw": 1}
    assert found["leadstream_sink_lag"] == {"": 7}
    assert found["leadstream_sink_waiting"] == {"": 1}


def test_nothing_is_served_unless_it_is_asked_for() -> None:
    assert serve(0, WORKER, WorkerStats()) == 0


def test_a_port_that_is_taken_is_said_by_name() -> None:
    port = serve(free_port(), WORKER, WorkerStats())
    with pytest.raises(PortInUse, match=f"port {port}.*LEADSTREAM_METRICS_PORT") as taken:
        serve(port, WORKER, WorkerStats())
    assert taken.value.exit_code == 78


@pytest.mark.parametrize("metrics", [WORKER, SINK])
def test_no_name_is_there_twice(metrics: tuple[Metric, ...]) -> None:
    assert len({one.name for one in metrics}) == len(metrics)


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "run: make docs"
