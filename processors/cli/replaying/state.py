"""All state and results from the events, by workers under another application id, beside the live ones."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from processors.cli.loading import variable
from processors.cli.running.supervisor import Service, Supervisor
from processors.kafka.groups import group_offsets, set_offsets
from processors.kafka.lag import LagReader
from processors.kafka.reading import TopicReader
from processors.settings import Settings
from schemas.topics import WORKER_TOPICS, Topic

_POLL_S: Final = 0.5
_EVENTS: Final = tuple(topic for topic in WORKER_TOPICS if topic is not Topic.TOUCHES)


def beside(settings: Settings, application_id: str, output_prefix: str) -> Settings:
    """The settings of the replay: the same events and rules, other state and other results."""
    return settings.model_copy(update={"application_id": application_id, "output_prefix": output_prefix})


async def start_at(replay: Settings, since_ms: int | None) -> bool:
    """Let the replay begin at the first records of that time or later; None: at the very first.

    False: it was begun before, and goes on where it was. Raises ``NoBroker`` and ``TopicsFailed``.
    """
    if await group_offsets(replay, replay.worker_group):
        return False
    if since_ms is not None:
        async with TopicReader(replay) as reader:
            spans = await reader.spans(_EVENTS, since_ms)
        await set_offsets(replay, replay.worker_group, {place: span.begin for place, span in spans.items()})
    return True


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
        caught_up = asyncio.create_task(_until_read(replay, reach))
        failed = asyncio.ensure_future(asyncio.wrap_future(supervisor.failed))
        done, pending = await asyncio.wait({caught_up, failed}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in done:
            task.result()
    finally:
        await asyncio.to_thread(supervisor.stop, 30.0)


async def _until_read(replay: Settings, reach: Callable[[int, int], None]) -> None:
    """The second round is for what was misplaced: workers have sent it on, behind the ends of the first.

    After a change of the number of partitions that is most of the events.
    """
    total = 0
    async with LagReader(replay) as reader:
        for _ in range(2):
            ends = await reader.ends(_EVENTS)
            left = sum((await reader.lag(replay.worker_group, _EVENTS, ends)).values())
            total += left
            while left or await reader.lag(replay.worker_group, [Topic.TOUCHES]):
                reach(total - left, total)
                await asyncio.sleep(_POLL_S)
                left = sum((await reader.lag(replay.worker_group, _EVENTS, ends)).values())


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
