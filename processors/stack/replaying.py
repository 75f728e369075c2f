"""Workers for a replay, beside those that run."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

from processors.kafka.running import run_on_kafka
from processors.kafka.topics import create_topics
from processors.progress import Progress
from processors.replaying.state import start_at, until_read
from processors.settings import Settings, variable
from processors.settings.loading import environment_of
from processors.settings.running import running_up
from processors.stack.supervisor import Service, ServiceFailed, Supervisor
from processors.worker.run import layouts_of


def compute(
    replay: Settings, since_ms: int | None, workers: int, directory: Path, progress: Progress
) -> None:
    """All state and results of a replay, from ``since_ms`` on; begun before, it goes on. Blocks.

    Raises ``NoBroker``, ``KafkaRefused``, ``Unavailable`` when topics do not appear, and ``ServiceFailed``
    when a worker cannot go on.
    """
    report = run_on_kafka(create_topics(replay, layouts_of(replay)))
    report.require_all()
    progress.say(f"{len(report.created)} topics created")
    if not run_on_kafka(start_at(replay, since_ms)):
        progress.say(f"{replay.worker_group} goes on where it was")
    try:
        run_on_kafka(run_workers(replay, workers, directory, progress.reach, progress.say))
    except ServiceFailed as error:
        error.remedy = "Mend that, then run the same command again: it goes on."
        raise


async def run_workers(
    replay: Settings,
    workers: int,
    directory: Path,
    reach: Callable[[int, int], None],
    say: Callable[[str], None],
) -> None:
    """Run workers until they have read everything that was written by now, and what came of it.

    ``directory``: for their stores and logs. ``reach`` hears how many events are done, of how many. Raises
    ``ServiceFailed`` when one cannot go on.
    """
    supervisor = Supervisor(say)
    for service in _services(replay, workers, directory):
        supervisor.start(service)
    try:
        caught_up = asyncio.create_task(until_read(replay, reach))
        failed = asyncio.ensure_future(asyncio.wrap_future(supervisor.failed))
        done, pending = await asyncio.wait({caught_up, failed}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in done:
            task.result()
    finally:
        await asyncio.to_thread(supervisor.stop, 30.0)


def _services(replay: Settings, workers: int, directory: Path) -> Iterator[Service]:
    up = running_up()
    for number in range(1, workers + 1):
        name = f"worker-{number}"
        env = {
            **environment_of(up),
            variable("application_id"): replay.application_id,
            variable("output_prefix"): replay.output_prefix or "",
            variable("instance_id"): f"{replay.application_id}-{number}",
            variable("data_dir"): str(directory / name),
            variable("metrics_port"): "0",
        }
        yield Service.of(name, ["worker"], env, directory / f"{name}.log")
