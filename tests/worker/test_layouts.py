"""What follows from the settings for the topics."""

from processors.settings import Settings
from processors.worker.run import layouts_of, processors_of
from schemas.times import DAY_MS


def test_a_changelog_outlives_what_workers_keep() -> None:
    """Workers that were away for a week restore everything that events in their topics may still need."""
    settings = Settings(attribution_window=30 * DAY_MS, hold=DAY_MS)
    configs = {layout.name: layout.configs for layout in layouts_of(settings)}
    kept = {job.table: job.retention_ms for job in processors_of(settings)}
    clicks = configs[f"{settings.worker_group}-clicks-changelog"]
    assert int(clicks["retention.ms"]) >= (kept["clicks"] or 0) + 7 * DAY_MS
    assert "retention.ms" not in configs[f"{settings.worker_group}-customers-changelog"]
