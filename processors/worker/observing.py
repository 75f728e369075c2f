"""Metrics, health, and a line a minute: of a worker, and of others that are processes of an engine."""

import logging
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from processors.clock import boottime
from processors.engine.effects import Effects
from processors.engine.kafka.app import EngineApp
from processors.observability.exposition import Reading
from processors.observability.health import Health, Pulse
from processors.observability.lag import LagSeconds, by_label
from processors.observability.metrics import PROCESS, WORKER, Metric
from processors.observability.pace import Look, Names, Telling
from processors.observability.process import process_reading
from processors.observability.server import serve
from processors.settings import Settings

log = logging.getLogger(__name__)

_MS: Final = 1000


class Reports(Protocol):
    """What a process counts of what it commits. May be read from any thread."""

    def count(self, effects: Effects) -> None:
        """A batch is committed."""

    def troubles(self) -> Mapping[str, int]:
        """For its log: counters that somebody may have to look into."""

    def reading(self) -> Reading:
        """Its own metrics, besides those of its engine."""


class Observing:
    """What is told of one process of an engine. Its ``reported`` counts what the engine commits.

    ``metrics``: those of its kind; names of the engine's begin with ``prefix``.
    """

    def __init__(
        self,
        settings: Settings,
        reported: Reports,
        metrics: Sequence[Metric] = WORKER,
        prefix: str = "leadstream_worker_",
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._prefix = prefix
        self.reported = reported

    def serve(self, app: EngineApp) -> int:
        """At ``LEADSTREAM_METRICS_PORT``, if there is one: the port. Call it before the loop of ``app`` runs.

        Raises ``PortInUse``.
        """
        pulse, lag_seconds = Pulse(), LagSeconds(app.settings.clock)
        pulse.follow(app.loop)
        # Lags of its own: it is asked in another thread than the metrics are, and remembers what it was told.
        seconds = LagSeconds(app.settings.clock)
        Telling(log, Names("records", "batch_ms"), lambda: look(app, self.reported, seconds)).follow(app.loop)

        def silences() -> Mapping[str, float]:
            found, consumer_turned = {"main": pulse.silence_s}, app.consumer_turned
            if consumer_turned is not None and not app.should_stop:
                found["consumer"] = boottime() - consumer_turned
            return found

        process = process_reading(self._settings, silences)

        def read() -> Reading:
            return {**process(), **engine_reading(app, lag_seconds, self._prefix), **self.reported.reading()}

        health = Health(silences, lambda: unready(app))
        host, port = self._settings.metrics_host, self._settings.metrics_port
        return serve(host, port, (*PROCESS, *self._metrics), read, health)


def unready(app: EngineApp) -> str | None:
    """Why it does not process all of its partitions, or None. Without partitions it is ready for some."""
    restored, owned = app.standing().restored, app.stats.partitions
    if restored is None:
        return "no partitions are assigned, or a rebalance is under way"
    return None if restored == owned else f"the tables of {restored} of {owned} partitions are restored"


def look(app: EngineApp, reported: Reports, lag_seconds: LagSeconds) -> Look:
    """What it has done, for its log. In the main thread."""
    stats, now = app.stats, app.standing()
    lag = sum(now.lag.values())
    late = max(lag_seconds(now.lag, stats.reached_ms).values(), default=0.0)
    return Look(
        work=stats.events,
        times=stats.batch_seconds.times,
        seconds=stats.batch_seconds.total,
        troubles={**reported.troubles(), "retries": stats.retries.total()},
        # Whoever restores, or has no partitions, is told of otherwise.
        waiting=lag if now.restored == stats.partitions else 0,
        now={
            "lag": lag,
            "lag_s": round(late, 1),
            "partitions": stats.partitions,
            "restored": now.restored or 0,
        },
    )


def engine_reading(app: EngineApp, lag_seconds: LagSeconds, prefix: str) -> Reading:
    """What any engine knows of itself."""
    stats, now = app.stats, app.standing()
    watermark_ms = stats.watermark_ms
    age_ms = app.settings.clock() - watermark_ms if watermark_ms else None
    found: Reading = {
        "events_total": stats.outcomes,
        "results_total": stats.written,
        "event_to_result_seconds": stats.age_seconds,
        "batch_seconds": stats.batch_seconds,
        "transaction_seconds": stats.transaction_seconds,
        "batches_total": stats.batches,
        "superseded_total": stats.superseded,
        "retries_total": stats.retries,
        "refetched_total": stats.seekbacks,
        "lag_records": by_label(now.lag),
        "lag_seconds": by_label(lag_seconds(now.lag, dict(stats.reached_ms))),
        "watermark_age_seconds": None if age_ms is None else age_ms / _MS,
        "held": stats.held,
        "states": now.states,
        "pending": app.intake.records,
        "partitions": stats.partitions,
        "partitions_restored": now.restored or 0,
        "stopped_partitions": stats.stopped,
        "quarantined_total": stats.quarantined,
        "expired_total": stats.expired,
        "swept_total": stats.dropped,
        "state_writes_total": stats.state_writes,
        "rebalance_seconds": stats.rebalance_seconds,
        "restore_seconds": stats.restore_seconds,
        "restored_total": stats.restored,
        "retention_gaps_total": stats.retention_gaps,
    }
    return {prefix + name: value for name, value in found.items()}
