"""A sink's metrics, health, and a line a minute."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from aiokafka import TopicPartition

from processors.observability.exposition import Reading
from processors.observability.health import Health, Pulse
from processors.observability.lag import LagSeconds, by_label
from processors.observability.metrics import PROCESS, SINK
from processors.observability.pace import Look, Names, Telling
from processors.observability.process import process_reading
from processors.observability.server import serve
from processors.settings import Settings
from processors.sink.stats import Stats

log = logging.getLogger(__name__)

Lag = Callable[[], Mapping[TopicPartition, int]]
"""Offsets of each partition that are not stored; asked from other threads."""


def serve_sink(settings: Settings, stats: Stats, lag: Lag) -> int:
    """At ``LEADSTREAM_METRICS_PORT``, if there is one: the port. Call it in the loop.

    Raises ``PortInUse``.
    """
    pulse, lag_seconds, loop = Pulse(), LagSeconds(), asyncio.get_running_loop()
    pulse.follow(loop)
    # Lags of its own: it is asked in another thread than the metrics are, and remembers what it was told.
    seconds = LagSeconds()
    Telling(log, Names("records", "insert_ms"), lambda: look(stats, lag(), seconds)).follow(loop)

    def silences() -> Mapping[str, float]:
        return {"main": pulse.silence_s}

    process = process_reading(settings, silences)

    def read() -> Reading:
        return {**process(), **_reading(stats, lag(), lag_seconds)}

    health = Health(silences, lambda: unready(stats))
    return serve(settings.metrics_host, settings.metrics_port, (*PROCESS, *SINK), read, health)


def look(stats: Stats, lag: Mapping[TopicPartition, int], lag_seconds: LagSeconds) -> Look:
    """What it has done, for its log. In the main thread."""
    inserts = list(stats.insert_seconds.values())
    late = max(lag_seconds(lag, stats.reached_ms).values(), default=0.0)
    because = {"because": stats.waiting_because} if stats.waiting_because else {}
    return Look(
        work=stats.records,
        times=sum(one.times for one in inserts),
        seconds=sum(one.total for one in inserts),
        troubles={"dead_letters": stats.dead_letters, "retries": stats.retries.total()},
        waiting=sum(lag.values()) or int(stats.waiting),
        now={
            "lag": sum(lag.values()),
            "lag_s": round(late, 1),
            "partitions": len(stats.assigned or ()),
            **because,
        },
    )


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
