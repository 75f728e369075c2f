"""What a process knows of itself → Prometheus' format, whenever somebody reads."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from processors.histogram import Histogram
from processors.observability.metrics import Metric

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family

Number = int | float
Value = Number | Histogram | Mapping[Any, Number] | Mapping[Any, Histogram] | None
"""None: not known now, and not shown. By the values of its labels (a tuple; of one label its value), if the
metric has any.
"""
Reading = Mapping[str, Value]
"""By the name of the metric."""


class Collector:
    """Asks ``read`` for the values of exactly these metrics. It is called in the thread that answers."""

    def __init__(self, metrics: Iterable[Metric], read: Callable[[], Reading]) -> None:
        self._metrics = tuple(metrics)
        self._read = read

    def collect(self) -> "Iterator[Family]":
        """Raises ``LookupError`` when what is read is not what is named."""
        reading = self._read()
        if missing := reading.keys() ^ {metric.name for metric in self._metrics}:
            raise LookupError(f"named and not read, or read and not named: {sorted(missing)}")
        for metric in self._metrics:
            yield _family(metric, _by_labels(metric, reading[metric.name]))


def _by_labels(metric: Metric, value: Value) -> Mapping[tuple[str, ...], Number | Histogram]:
    if value is None:
        return {}
    if isinstance(value, Mapping):
        # In one go: the main thread may be adding to it.
        return {(key,) if isinstance(key, str) else key: one for key, one in dict(value).items()}
    if metric.labels:
        raise LookupError(f"{metric.name} is read without its labels")
    return {(): value}


def _family(metric: Metric, values: Mapping[tuple[str, ...], Number | Histogram]) -> "Family":
    from prometheus_client import core

    name, labels = metric.name, metric.labels
    if metric.kind == "histogram":
        histogram = core.HistogramMetricFamily(name, metric.meaning, labels=labels)
        for key, one in values.items():
            assert isinstance(one, Histogram)  # noqa: S101 - narrows
            counts = accumulate(list(one.counts))
            bounds = [*map(str, one.bounds), "+Inf"]
            histogram.add_metric(key, list(zip(bounds, counts, strict=True)), one.total)
        return histogram
    kind = core.CounterMetricFamily if metric.kind == "counter" else core.GaugeMetricFamily
    family = kind(name, metric.meaning, labels=labels)
    for key, one in values.items():
        assert not isinstance(one, Histogram)  # noqa: S101 - narrows
        family.add_metric(key, one)
    return family
