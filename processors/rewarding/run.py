"""Settings → a running process of the ledger of rewards."""

from collections.abc import Callable
from typing import NoReturn

from processors.kafka.layouts import Changelog, Layout, layouts
from processors.observability.metrics import REWARDS
from processors.rewarding.caps import CapsProcessor
from processors.rewarding.customers import RewardsProcessor
from processors.rewarding.following import FollowedPolicies
from processors.rewarding.observing import Reported
from processors.rewards.policy import Policies
from processors.settings import Settings
from processors.worker import run as worker


def layouts_of(settings: Settings) -> list[Layout]:
    """What every topic should be like, the changelogs of workers and of rewards among them."""
    return layouts(settings, [*worker.changelogs_of(settings), *changelogs_of(settings)])


def changelogs_of(settings: Settings) -> list[Changelog]:
    """Of rewards."""
    jobs = processors_of(settings, dict)
    return [worker.changelog(settings.rewards_group, job.table, job.retention_ms) for job in jobs]


def processors_of(
    settings: Settings, policies: Callable[[], Policies]
) -> tuple[RewardsProcessor, CapsProcessor]:
    """Both, in the same transactions."""
    names = settings.ledger_names
    return RewardsProcessor(names, settings.hold, policies, settings.partitions), CapsProcessor(names)


def run_rewards(settings: Settings) -> NoReturn:
    """Run until SIGTERM or SIGINT, then exit 0; or exit with the code of the error that ended it."""
    # As with workers: many ask for topics alone.
    from processors.engine.kafka.app import create_app
    from processors.engine.kafka.worker import run
    from processors.worker.observing import Observing

    policies = FollowedPolicies(settings)
    policies.start()
    observing = Observing(settings, Reported(settings.ledger_names, policies), REWARDS, "leadstream_rewards_")
    app = create_app(
        worker.engine_settings(settings, settings.rewards_group),
        processors_of(settings, policies),
        on_commit=observing.reported.count,
    )
    observing.serve(app)
    run(app)
