"""Settings → a running worker."""

from typing import NoReturn

from processors.attribution.policy import Policy
from processors.engine import EngineSettings
from processors.engine.placement import changelog_topic
from processors.engine.settings import CHANGELOG_BYTES
from processors.kafka.connecting import connection_of
from processors.kafka.layouts import Changelog, Layout, layouts
from processors.settings import Settings
from processors.worker.dead_letters import limits
from processors.worker.processors import ClickProcessor, CustomerProcessor
from processors.worker.reported import Reported


def policy_of(settings: Settings) -> Policy:
    """Attribution as this deployment wants it."""
    return Policy(
        model=settings.attribution_model,
        attribution_window_ms=settings.attribution_window,
        qualification_window_ms=settings.qualification_window,
        hold_ms=settings.hold,
    )


def processors_of(settings: Settings) -> tuple[ClickProcessor, CustomerProcessor]:
    """Both joins."""
    names, policy = settings.names, policy_of(settings)
    return ClickProcessor(names, policy), CustomerProcessor(names, policy)


def layouts_of(settings: Settings) -> list[Layout]:
    """What every topic should be like, the changelogs of both joins among them."""
    return layouts(settings, changelogs_of(settings))


def changelogs_of(settings: Settings) -> list[Changelog]:
    """Of both joins."""
    return [changelog(settings.worker_group, job.table, job.retention_ms) for job in processors_of(settings)]


def changelog(application_id: str, table: str, retention_ms: int | None) -> Changelog:
    """Of a table of an engine."""
    return Changelog(changelog_topic(application_id, table), retention_ms, CHANGELOG_BYTES)


def engine_settings(settings: Settings, application_id: str) -> EngineSettings:
    """The part of the settings that an engine knows. ``application_id``: group, and name of its state."""
    return EngineSettings(
        connection=connection_of(settings),
        application_id=application_id,
        instance_id=settings.instance_id,
        data_dir=settings.data_dir,
        state=settings.state,
        partitions=settings.partitions,
        session_timeout_s=settings.session_timeout / 1000,
        transaction_timeout_s=settings.transaction_timeout / 1000,
        limits=limits(settings.dead_letter_limit),
    )


def run_worker(settings: Settings) -> NoReturn:
    """Run until SIGTERM or SIGINT, then exit 0; or exit with the code of the error that ended it."""
    # Many ask for topics or the policy alone, and need not load Faust for it, which takes half a second.
    from processors.engine.kafka.app import create_app
    from processors.engine.kafka.worker import run
    from processors.worker.observing import Observing

    observing = Observing(settings, Reported(settings.names))
    app = create_app(
        engine_settings(settings, settings.worker_group),
        processors_of(settings),
        on_commit=observing.reported.count,
    )
    observing.serve(app)
    run(app)
