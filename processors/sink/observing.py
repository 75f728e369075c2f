"""A sink's metrics and health."""

import asyncio
from collections.abc import Callable, Mapping

from aiokafka import TopicPartition

from processors.observability.exposition import Reading
from processors.observability.health import Health, Pulse
from processors.observability.lag import LagSeconds, by_label
from processors.observability.metrics import PROCESS, SINK
from processors.observability.process import process_reading
from processors.observability.server import serve
from processors.settings import Settings
from processors.sink.stats import Stats

Lag = Callable[[], Mapping[TopicPartition, int]]
"""Offsets of each partition that are not stored; asked from other threads."""


def serve_sink(settings: Settings, stats: Stats, lag: Lag) -> int:
    """At ``LEADSTREAM_METRICS_PORT``, if there is one: the port. Call it in the loop.

    Raises ``PortInUse``.
    """
    pulse, lag_seconds = Pulse(), LagSeconds()
    pulse.follow(asyncio.get_running_loop())

    def silences() -> Mapping[str, float]:
        return {"main": pulse.silence_s}

    process = process_reading(settings, silences)

    def read() -> Reading:
        return {**process(), **_reading(stats, lag(), lag_seconds)}

    health = Health(silences, lambda: unready(stats))
    return serve(settings.metrics_host, settings.metrics_port, (*PROCESS, *SINK), read, health)


def unready(stats: Stats) -> str | None:
    """Why it stores nothing yet, or None. A sink without partitions is ready for some."""
    if not stats.tables_there:
        return "ClickHouse has not been seen to have the tables"
    return "no partitions are assigned, or a rebalance is under way" if stats.assigned is None else None


def _reading(stats: Stats, lag: Mapping[TopicPartition, int], lag_seconds: LagSeconds) -> Reading:
    return {
        "leadstream_sink_records_total": stats.taken,
        "leadstream_sink_rows_total": stats.rows,
        "leadstream_sink_dead_letters_total": stats.reasons,
        "leadstream_sink_batches_total": stats.batches,
        "leadstream_sink_insert_seconds": stats.insert_seconds,
        "leadstream_sink_result_to_row_seconds": stats.row_seconds,
        "leadstream_sink_retries_total": stats.retries,
        "leadstream_sink_waiting": int(stats.waiting),
        "leadstream_sink_lag_records": by_label(lag),
        "leadstream_sink_lag_seconds": by_label(lag_seconds(lag, dict(stats.reached_ms))),
        "leadstream_sink_partitions": len(stats.assigned or ()),
        "leadstream_sink_rebalances_total": stats.rebalances,
    }
