"""What Prometheus reads, and the page about it."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from processors.histogram import Histogram
from processors.observability.exposition import Collector, Reading
from processors.observability.metrics import ALL, PROCESS, Metric
from processors.observability.page import page
from processors.observability.process import process_reading
from processors.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
METRICS = (
    Metric("x_events_total", "counter", "records", "Events.", ("topic", "outcome")),
    Metric("x_rows_total", "counter", "rows", "Rows.", ("table",)),
    Metric("x_lag", "gauge", "records", "Lag."),
    Metric("x_seconds", "histogram", "seconds", "Times."),
    Metric("x_insert_seconds", "histogram", "seconds", "Times.", ("table",)),
)
LABELS = ("topic", "outcome", "table", "le")


def shown(reading: Reading) -> dict[str, dict[str, float]]:
    """By name and labels' values, as Prometheus would read it."""
    registry = CollectorRegistry()
    registry.register(Collector(METRICS, lambda: reading))
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[
                "/".join(sample.labels[one] for one in LABELS if one in sample.labels)
            ] = sample.value
    return found


def test_what_is_read_is_shown_under_its_labels() -> None:
    quick = Histogram((0.1, 1.0))
    quick.add(0.05, 3)
    quick.add(0.1)
    quick.add(5.0)
    found = shown(
        {
            "x_events_total": {("clicks", "applied"): 7},
            "x_rows_total": {"leads_raw": 3},
            "x_lag": None,
            "x_seconds": quick,
            "x_insert_seconds": {"leads_raw": quick},
        }
    )
    assert found["x_events_total"] == {"clicks/applied": 7}
    assert found["x_rows_total"] == {"leads_raw": 3}
    assert "x_lag" not in found, "it is not known"
    assert found["x_seconds_bucket"] == {"0.1": 4, "1.0": 4, "+Inf": 5}
    assert found["x_seconds_count"] == {"": 5}
    assert found["x_seconds_sum"][""] == pytest.approx(5.25)
    assert found["x_insert_seconds_count"] == {"leads_raw": 5}


@pytest.mark.parametrize("change", [{"x_more": 1}, {"x_lag": 1, "x_seconds": None}])
def test_nothing_unnamed_is_shown_and_nothing_named_is_missing(change: Reading) -> None:
    with pytest.raises(LookupError, match="x_"):
        shown(change)


def test_settings_are_shown_as_they_were_chosen() -> None:
    settings = Settings(attribution_model="last-click", clickhouse_url="http://u:secret@h:1/d")  # type: ignore[arg-type]
    reading = process_reading(settings, lambda: {"main": 0.5})()
    assert reading.keys() == {metric.name for metric in PROCESS}
    [values] = reading["leadstream_settings_info"]  # type: ignore[misc]
    assert values[0] == "last-click"
    assert "30d" in values
    assert "secret" not in str(reading)


def test_names_and_labels() -> None:
    """Each once, with the endings that Prometheus knows, and no label that an event decides."""
    metrics = [metric for some in ALL.values() for metric in some]
    assert len({metric.name for metric in metrics}) == len(metrics)
    labels = {label for metric in metrics for label in metric.labels if metric.name[-5:] != "_info"}
    decided = {
        "topic",
        "partition",
        "outcome",
        "reason",
        "table",
        "cause",
        "loop",
        "route",
        "status",
        "level",
        "field",
    }
    assert labels == decided
    for metric in metrics:
        assert metric.name.startswith("leadstream_")
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert metric.name.endswith("_info") == (metric.kind == "info"), metric.name
        assert not metric.unit.endswith("seconds") or metric.name.endswith("_seconds"), metric.name


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "run: make docs"
