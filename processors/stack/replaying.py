"""Workers for a replay, beside those that run."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from processors.replaying.state import until_read
from processors.settings import Settings, variable
from processors.stack.supervisor import Service, Supervisor


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
    for number in range(1, workers + 1):
        name = f"worker-{number}"
        env = {
            **os.environ,
            variable("application_id"): replay.application_id,
            variable("output_prefix"): replay.output_prefix or "",
            variable("instance_id"): f"{replay.application_id}-{number}",
            variable("data_dir"): str(directory / name),
            variable("metrics_port"): "0",
        }
        yield Service.of(name, "worker", env, directory / f"{name}.log")
