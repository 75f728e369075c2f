"""Processes for a replay, beside those that run."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from processors.kafka.layouts import Layout
from processors.kafka.running import run_on_kafka
from processors.kafka.topics import create_topics
from processors.progress import Progress
from processors.replaying.beside import start_at, until_read
from processors.replaying.rewards import FACTS
from processors.replaying.state import EVENTS
from processors.rewarding import run as rewarding
from processors.settings import Settings, variable
from processors.settings.loading import environment_of
from processors.settings.running import running_up
from processors.stack.supervisor import Service, ServiceFailed, Supervisor
from processors.worker import run as worker
from schemas.topics import REWARD_INNER, Topic


@dataclass(frozen=True)
class Replay:
    """Processes that compute all of something once more: ``identity`` and ``group`` are not the live ones'.

    ``topics``: what it is computed from. ``inner``: what they tell themselves on the way.
    """

    settings: Settings
    command: Sequence[str]
    identity: str
    group: str
    topics: Sequence[Topic]
    inner: Sequence[Topic]
    layouts: Sequence[Layout]

    @classmethod
    def of_state(cls, settings: Settings) -> Self:
        """State and results, by workers."""
        identity, group, layouts = settings.application_id, settings.worker_group, worker.layouts_of(settings)
        return cls(settings, ["worker"], identity, group, EVENTS, [Topic.TOUCHES], layouts)

    @classmethod
    def of_rewards(cls, settings: Settings) -> Self:
        """The ledger of rewards."""
        identity, group, layouts = settings.rewards_id, settings.rewards_group, rewarding.layouts_of(settings)
        return cls(settings, ["rewards", "run"], identity, group, FACTS, REWARD_INNER, layouts)


def compute(replay: Replay, since_ms: int | None, workers: int, directory: Path, progress: Progress) -> None:
    """All of it, from ``since_ms`` on; begun before, it goes on. Blocks.

    Raises ``NoBroker``, ``KafkaRefused``, ``Unavailable`` when topics do not appear, and ``ServiceFailed``
    when a process cannot go on.
    """
    report = run_on_kafka(create_topics(replay.settings, [*replay.layouts]))
    report.require_all()
    progress.say(f"{len(report.created)} topics created")
    if not run_on_kafka(start_at(replay.settings, replay.group, replay.topics, since_ms)):
        progress.say(f"{replay.group} goes on where it was")
    try:
        run_on_kafka(run_processes(replay, workers, directory, progress.reach, progress.say))
    except ServiceFailed as error:
        error.remedy = "Mend that, then run the same command again: it goes on."
        raise


async def run_processes(
    replay: Replay,
    count: int,
    directory: Path,
    reach: Callable[[int, int], None],
    say: Callable[[str], None],
) -> None:
    """Run so many until they have read everything that was written by now, and what came of it.

    ``directory``: for their stores and logs. ``reach`` hears how much is done, of how much. Raises
    ``ServiceFailed`` when one cannot go on.
    """
    supervisor = Supervisor(say)
    for service in _services(replay, count, directory):
        supervisor.start(service)
    try:
        reading = until_read(replay.settings, replay.group, replay.topics, replay.inner, reach)
        caught_up = asyncio.create_task(reading)
        failed = asyncio.ensure_future(asyncio.wrap_future(supervisor.failed))
        done, pending = await asyncio.wait({caught_up, failed}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in done:
            task.result()
    finally:
        await asyncio.to_thread(supervisor.stop, 30.0)


def _services(replay: Replay, count: int, directory: Path) -> Iterator[Service]:
    up, settings = running_up(), replay.settings
    named = ("application_id", "output_prefix", "rewards_id", "rewards_prefix")
    own = {variable(name): value for name in named if (value := getattr(settings, name)) is not None}
    for number in range(1, count + 1):
        name = f"{replay.command[0]}-{number}"
        env = {
            **environment_of(up),
            **own,
            variable("instance_id"): f"{replay.identity}-{number}",
            variable("data_dir"): str(directory / name),
            variable("metrics_port"): "0",
        }
        yield Service.of(name, replay.command, env, directory / f"{name}.log")
