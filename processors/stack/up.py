"""Ready, demo, live: what goes on while everything runs."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from clickhouse_connect.driver.client import Client

from processors.clickhouse.connection import open_clickhouse
from processors.demo import STORYS_WORKSPACE, protagonist
from processors.kafka.lag import Group, LagReader
from processors.progress import Progress, Steps
from processors.settings import Settings
from processors.stack.demo import send_demo, until_caught_up, until_ready
from processors.stack.demo_calls import VISITORS, WORKSPACE, demo_keys, keep, send_visitors, short_link
from processors.stack.demo_dashboard import SHOWN, dashboard_key
from processors.stack.demo_story import next_lines, story_lines
from processors.stack.gateway import until_answering, url_of
from processors.stack.interrupt import Interrupt
from processors.stack.live import live
from processors.stack.running import Plan, Running
from processors.status.places import Places

_STALL_S = 20.0


@dataclass(frozen=True)
class Demo:
    """How much traffic, and which."""

    events: int
    seed: int


class Screen(Steps, Protocol):
    """Where ``up`` is shown."""

    def rest(self) -> None:
        """No step is going on."""

    def announce(self, plan: Plan, settings: Settings) -> None:
        """Everything is there."""

    def command(self, data: Path) -> str:
        """How ``leadstream`` is called in the shell of whoever looks, so that it finds this system."""

    def counting(self, label: str, total: int, amount: str) -> AbstractContextManager[Progress]:
        """Of something that is counted."""

    def views(self, client: Client, end_ms: int) -> None:
        """What became of the demo, over the days until ``end_ms``."""


async def until_asked(interrupt: Interrupt, system: Running, work: Coroutine[Any, Any, None]) -> None:
    """Do ``work`` until somebody wants an end to it. Raises what a service or the work raises."""
    tasks = {
        asyncio.create_task(interrupt.wait()),
        asyncio.create_task(work),
        asyncio.ensure_future(asyncio.wrap_future(system.supervisor.failed)),
    }
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


async def work(plan: Plan, system: Running, demo: Demo | None, screen: Screen) -> None:
    """Wait until everything is there, send the demo if there is one, then show what goes on, for ever."""
    settings = system.settings
    async with LagReader(settings) as reader:
        screen.begin("waiting for worker, rewards, sink and gateway")
        await until_ready(reader, settings, plan.workers)
        await until_answering(settings)
        screen.done(f"{plan.workers} worker{'s' if plan.workers > 1 else ''}, rewards, a sink and a gateway")
        screen.announce(plan, settings)
        if demo is not None:
            await _demonstrate(plan, settings, demo, reader, screen)
    await live(Places(settings, "leadstream up", plan.data), screen.spin)


async def _demonstrate(plan: Plan, settings: Settings, demo: Demo, reader: LagReader, screen: Screen) -> None:
    screen.rest()
    with screen.counting("sending demo traffic", demo.events, "events") as bar:
        end_ms, seconds = await send_demo(settings, plan.data, demo.events, demo.seed, bar.advance)
    rate = demo.events / max(seconds, 1e-3)
    screen.done(f"{demo.events:,} demo events sent in {seconds:.1f} s ({rate:,.0f}/s)")

    keys = await asyncio.to_thread(demo_keys, settings, plan.data)
    if not keys.visited:
        with screen.counting("visitors follow a short link", VISITORS, "visitors") as bar:
            await asyncio.to_thread(send_visitors, settings, keys, bar.advance)
        keys.visited = True
        keep(keys, plan.data)
    screen.say(f"the workspace {WORKSPACE} comes in over HTTP; it has had {VISITORS} visitors:")
    screen.say(f"  secret key  {keys.secret}")
    screen.say(f"  short link  {short_link(settings, keys)}, to be clicked")

    screen.begin("waiting for the results")
    await until_caught_up(reader, settings, _Patience(plan, screen).tell)
    screen.done("everything has reached ClickHouse")
    with closing(await asyncio.to_thread(open_clickhouse, settings)) as client:
        screen.views(client, end_ms)
        person = protagonist(demo.events, demo.seed, end_ms)
        told = story_lines(client, STORYS_WORKSPACE, person)
    key = await asyncio.to_thread(dashboard_key, settings, plan.data)
    screen.say("")
    screen.say(f"the dashboard of {SHOWN}, which asks for its key:")
    screen.say(f"  {url_of(settings)}/")
    screen.say(f"  {key}")
    if told:
        screen.say("")
        todo = next_lines(screen.command(plan.data), url_of(settings), STORYS_WORKSPACE, person)
        for line in (*told, *todo):
            screen.say(line)


class _Patience:
    """Shows how far worker and sink are, and says where to look when they do not move."""

    def __init__(self, plan: Plan, steps: Steps) -> None:
        self._logs = plan.data / "logs"
        self._steps = steps
        self._seen: tuple[int, int] | None = None
        self._since = 0.0

    def tell(self, worker: Group, sink: Group) -> None:
        now, seen = time.monotonic(), (worker.lag, sink.lag)
        if seen != self._seen:
            self._seen, self._since = seen, now
        elif now - self._since > _STALL_S:
            self._since = now
            self._steps.say(
                f"still waiting: worker {worker.lag:,} to go, sink {sink.lag:,} to go, and nothing has moved "
                f"for {_STALL_S:.0f} s; the logs are in {self._logs}"
            )
        self._steps.spin(f"waiting for the results: worker {worker.lag:,} to go, sink {sink.lag:,} to go")
