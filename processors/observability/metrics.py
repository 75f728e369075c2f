"""What worker and sink say of themselves at ``/metrics``, for Prometheus: every metric, once.

A thread of its own answers, with whatever the numbers are at that moment: it waits for nothing, and nothing
waits for it. No metric has a label that comes from an event.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family

from processors.errors import Misconfigured


@dataclass(frozen=True)
class Metric:
    """``field``: of the stats of the process; None in it: not known yet, and not shown.

    A field that is a mapping has ``label`` for its keys. The name of a counter gets ``_total``.
    """

    name: str
    kind: Literal["counter", "gauge"]
    field: str
    meaning: str
    label: str | None = None

    @property
    def shown_as(self) -> str:
        """As Prometheus knows it."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


WORKER: Final = (
    Metric("leadstream_worker_events", "counter", "events", "Records applied, sent on or refused."),
    Metric("leadstream_worker_forwarded", "counter", "forwarded", "Records sent on to their right place."),
    Metric("leadstream_worker_rejected", "counter", "rejected", "Records that became dead letters."),
    Metric(
        "leadstream_worker_quarantined",
        "counter",
        "quarantined",
        "Records and expiries that were passed over because they had ended the worker twice.",
    ),
    Metric(
        "leadstream_worker_stopped_partitions",
        "gauge",
        "stopped",
        "Partitions that stand still because of too many dead letters: somebody has to act.",
    ),
    Metric("leadstream_worker_expired", "counter", "expired", "States whose hold was over."),
    Metric("leadstream_worker_swept", "counter", "swept", "States dropped because of their age."),
    Metric("leadstream_worker_outputs", "counter", "outputs", "Records written, changelogs not counted."),
    Metric("leadstream_worker_state_writes", "counter", "state_writes", "Changelog records written."),
    Metric("leadstream_worker_batches", "counter", "batches", "Transactions committed."),
    Metric("leadstream_worker_batch_seconds", "counter", "busy_seconds", "Wall time spent in batches."),
    Metric(
        "leadstream_worker_superseded", "counter", "superseded", "Batches dropped because of a rebalance."
    ),
    Metric(
        "leadstream_worker_retention_gaps",
        "counter",
        "retention_gaps",
        "Offsets that retention removed before they were read: events are lost.",
    ),
    Metric("leadstream_worker_restored", "counter", "restored", "Changelog records read back."),
    Metric(
        "leadstream_worker_restore_seconds", "counter", "restore_seconds", "Time spent reading changelogs."
    ),
    Metric("leadstream_worker_queued", "gauge", "queued", "Records fetched and not begun."),
    Metric("leadstream_worker_partitions", "gauge", "partitions", "Partitions owned."),
    Metric(
        "leadstream_worker_watermark_ms",
        "gauge",
        "watermark_ms",
        "Epoch milliseconds up to which everything that had arrived is processed; 0 while nothing needs it.",
    ),
)

SINK: Final = (
    Metric("leadstream_sink_records", "counter", "records", "Records stored, or found to be no result."),
    Metric("leadstream_sink_rows", "counter", "rows", "Rows that ClickHouse has acknowledged.", "table"),
    Metric("leadstream_sink_batches", "counter", "batches", "Batches stored."),
    Metric("leadstream_sink_dead_letters", "counter", "dead_letters", "Records that no table takes."),
    Metric(
        "leadstream_sink_lag", "gauge", "lag", "Records that were not stored at the end of the last batch."
    ),
    Metric(
        "leadstream_sink_waiting", "gauge", "waiting", "1 while ClickHouse takes no rows and is tried again."
    ),
)


class _Collected:
    """What a registry asks whenever somebody reads."""

    def __init__(self, metrics: Iterable[Metric], stats: object) -> None:
        self._metrics = tuple(metrics)
        self._stats = stats

    def collect(self) -> "Iterator[Family]":
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        for metric in self._metrics:
            value = getattr(self._stats, metric.field)
            kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            family = kind(metric.name, metric.meaning, labels=[metric.label] if metric.label else None)
            if metric.label:
                for key, one in dict(value).items():
                    family.add_metric([key], one)
            elif value is not None:
                family.add_metric([], value)
            yield family


class PortInUse(Misconfigured):
    """``LEADSTREAM_METRICS_PORT`` cannot be listened on."""


def serve(port: int, metrics: Iterable[Metric], stats: object) -> int:
    """Answer at ``port`` of every address until the process ends; 0: do not. The port, or 0.

    ``stats`` has the fields that ``metrics`` name. Raises :class:`PortInUse`.
    """
    if not port:
        return 0
    # Not before it is wanted: it takes a tenth of the time of a start.
    from prometheus_client import CollectorRegistry, start_http_server

    registry = CollectorRegistry()
    registry.register(_Collected(metrics, stats))
    try:
        server, _ = start_http_server(port, registry=registry)
    except OSError as error:
        raise PortInUse(
            f"cannot serve metrics at port {port}: {error.strerror}. Choose another LEADSTREAM_METRICS_PORT; "
            "each process needs one of its own."
        ) from error
    return server.server_port


def page() -> str:
    """``docs/metrics.md``."""
    lines = [
        "# Metrics",
        "",
        "With `LEADSTREAM_METRICS_PORT` set, worker and sink answer at `http://HOST:PORT/metrics` in",
        "Prometheus' format, on every address of the machine and without a password: keep the port from the",
        "outside. Each process needs a port of its own; `leadstream up` serves none. Counters begin at 0",
        "with the process.",
    ]
    for title, metrics in (("Worker", WORKER), ("Sink", SINK)):
        lines += ["", f"## {title}", "", "| metric | type | meaning |", "|---|---|---|"]
        for one in metrics:
            label = f"{{{one.label}}}" if one.label else ""
            lines.append(f"| `{one.shown_as}{label}` | {one.kind} | {one.meaning} |")
    lines += [
        "",
        "Alert on `leadstream_worker_stopped_partitions > 0`, on any increase of",
        "`leadstream_worker_quarantined_total` or `leadstream_worker_retention_gaps_total`, and on",
        "`leadstream_sink_waiting == 1` for longer than a restart of ClickHouse takes:",
        "[operations.md](operations.md) says what to do. The lag of both groups: `leadstream doctor`.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(page())
