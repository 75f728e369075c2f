"""A worker's metrics, health, and a line a minute."""

import logging
from collections.abc import Mapping
from typing import Final

from processors.clock import boottime
from processors.engine.kafka.app import EngineApp
from processors.observability.exposition import Reading
from processors.observability.health import Health, Pulse
from processors.observability.lag import LagSeconds, by_label
from processors.observability.metrics import PROCESS, WORKER
from processors.observability.pace import Look, Names, Telling
from processors.observability.process import process_reading
from processors.observability.server import serve
from processors.settings import Settings
from processors.worker.reported import Reported

log = logging.getLogger(__name__)

_MS: Final = 1000


class Observing:
    """What is told of one worker. Its :attr:`reported` counts what the engine commits."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.reported = Reported(settings.names)

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
            return {**process(), **_reading(app, self.reported, lag_seconds)}

        health = Health(silences, lambda: unready(app))
        return serve(
            self._settings.metrics_host, self._settings.metrics_port, (*PROCESS, *WORKER), read, health
        )


def unready(app: EngineApp) -> str | None:
    """Why it does not process all of its partitions, or None. Without partitions it is ready for some."""
    restored, owned = app.standing().restored, app.stats.partitions
    if restored is None:
        return "no partitions are assigned, or a rebalance is under way"
    return None if restored == owned else f"the tables of {restored} of {owned} partitions are restored"


def look(app: EngineApp, reported: Reported, lag_seconds: LagSeconds) -> Look:
    """What it has done, for its log. In the main thread."""
    stats, now = app.stats, app.standing()
    lag = sum(now.lag.values())
    late = max(lag_seconds(now.lag, stats.reached_ms).values(), default=0.0)
    return Look(
        work=stats.events,
        times=stats.batch_seconds.times,
        seconds=stats.batch_seconds.total,
        troubles={
            "dead_letters": reported.dead_letters.total(),
            "unmatched": reported.unmatched.total(),
            "retries": stats.retries.total(),
        },
        # Whoever restores, or has no partitions, is told of otherwise.
        waiting=lag if now.restored == stats.partitions else 0,
        now={
            "lag": lag,
            "lag_s": round(late, 1),
            "partitions": stats.partitions,
            "restored": now.restored or 0,
        },
    )


def _reading(app: EngineApp, reported: Reported, lag_seconds: LagSeconds) -> Reading:
    stats, now = app.stats, app.standing()
    watermark_ms = stats.watermark_ms
    age_ms = app.settings.clock() - watermark_ms if watermark_ms else None
    return {
        "leadstream_worker_events_total": stats.outcomes,
        "leadstream_worker_results_total": stats.written,
        "leadstream_worker_unmatched_total": reported.unmatched,
        "leadstream_worker_dead_letters_total": reported.dead_letters,
        "leadstream_worker_misspelt_fields_total": reported.misspelt,
        "leadstream_worker_event_to_result_seconds": stats.age_seconds,
        "leadstream_worker_batch_seconds": stats.batch_seconds,
        "leadstream_worker_transaction_seconds": stats.transaction_seconds,
        "leadstream_worker_batches_total": stats.batches,
        "leadstream_worker_superseded_total": stats.superseded,
        "leadstream_worker_retries_total": stats.retries,
        "leadstream_worker_refetched_total": stats.seekbacks,
        "leadstream_worker_lag_records": by_label(now.lag),
        "leadstream_worker_lag_seconds": by_label(lag_seconds(now.lag, dict(stats.reached_ms))),
        "leadstream_worker_watermark_age_seconds": None if age_ms is None else age_ms / _MS,
        "leadstream_worker_held": stats.held,
        "leadstream_worker_states": now.states,
        "leadstream_worker_pending": app.intake.records,
        "leadstream_worker_partitions": stats.partitions,
        "leadstream_worker_partitions_restored": now.restored or 0,
        "leadstream_worker_stopped_partitions": stats.stopped,
        "leadstream_worker_quarantined_total": stats.quarantined,
        "leadstream_worker_expired_total": stats.expired,
        "leadstream_worker_swept_total": stats.swept,
        "leadstream_worker_state_writes_total": stats.state_writes,
        "leadstream_worker_rebalance_seconds": stats.rebalance_seconds,
        "leadstream_worker_restore_seconds": stats.restore_seconds,
        "leadstream_worker_restored_total": stats.restored,
        "leadstream_worker_retention_gaps_total": stats.retention_gaps,
    }
