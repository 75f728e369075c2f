"""Up, ready, demo, live, down."""

import asyncio
import shlex
import time
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any

from rich.panel import Panel
from rich.text import Text

from processors.cli.clickhouse import count_leads, open_clickhouse
from processors.cli.errors import UserError
from processors.cli.lag import Group, LagReader
from processors.cli.running.console import Steps
from processors.cli.running.demo import send_demo, until_caught_up, until_ready
from processors.cli.running.interrupt import Interrupt
from processors.cli.running.live import live
from processors.cli.running.stack import Plan, Running, running
from processors.cli.running.supervisor import ServiceFailed
from processors.cli.running.views import show_views
from processors.clickhouse_url import ClickHouseUrl
from processors.printable import printable_lines
from processors.settings import Settings

_STALL_S = 20.0
_EXAMPLE = "SELECT * FROM leads LIMIT 3 FORMAT Vertical"


@dataclass(frozen=True)
class Demo:
    """How much traffic, and which."""

    events: int
    seed: int


def run(plan: Plan, settings: Settings, demo: Demo | None) -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    steps = Steps()
    with Interrupt() as interrupt:
        try:
            with running(plan, settings, steps) as system:
                work = _work(plan, system, demo, steps)
                asyncio.run(_until_asked(interrupt, system, work))
        except ServiceFailed as error:
            failure = UserError(str(error), "Mend that, then run `leadstream up` again; nothing is lost.")
            failure.exit_code = error.code
            raise failure from error
        finally:
            steps.rest()
    return 0


async def _until_asked(interrupt: Interrupt, system: Running, work: Coroutine[Any, Any, None]) -> None:
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


async def _work(plan: Plan, system: Running, demo: Demo | None, steps: Steps) -> None:
    settings = system.settings
    async with LagReader(settings) as reader:
        steps.begin("waiting for worker and sink")
        await until_ready(reader, settings, plan.workers)
        steps.done(f"{plan.workers} worker{'s' if plan.workers > 1 else ''} and a sink")
        _announce(plan, settings, steps)
        if demo is not None:
            await _demonstrate(plan, settings, demo, reader, steps)
        client = await asyncio.to_thread(open_clickhouse, settings)
        await live(reader, settings, lambda: count_leads(client), steps.spin)


async def _demonstrate(plan: Plan, settings: Settings, demo: Demo, reader: LagReader, steps: Steps) -> None:
    steps.rest()
    end_ms, seconds = await send_demo(settings, plan.data, demo.events, demo.seed)
    rate = demo.events / max(seconds, 1e-3)
    steps.done(f"{demo.events:,} demo events sent in {seconds:.1f} s ({rate:,.0f}/s)")

    steps.begin("waiting for the results")
    await until_caught_up(reader, settings, _Patience(plan, steps).tell)
    steps.done("everything has reached ClickHouse")
    client = await asyncio.to_thread(open_clickhouse, settings)
    show_views(client, end_ms, steps)


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


def _announce(plan: Plan, settings: Settings, steps: Steps) -> None:
    found = ClickHouseUrl.parse(settings.clickhouse_url.get_secret_value())
    # The embedded server's password is for whoever reads this; another server's is known to those it is for.
    url = found.secret() if plan.clickhouse is None else str(found)
    steps.rest()
    if steps.console.is_terminal:
        addresses = f"Kafka       {settings.kafka_bootstrap}\nClickHouse  {url}\nData, logs  {plan.data}"
        steps.show(
            Panel(
                Text(printable_lines(addresses)),
                title="leadstream is ready",
                title_align="left",
                expand=False,
            )
        )
        # Outside the panel, so that they can be copied.
        steps.say("Send events of your own, one JSON object per line:")
        steps.say(f"  LEADSTREAM_KAFKA_BOOTSTRAP={settings.kafka_bootstrap} leadstream send events.jsonl")
        steps.say("Query what became of them:")
        steps.say(f"  {asking(plan, found)}")
    steps.say(f"leadstream is ready: kafka={settings.kafka_bootstrap} clickhouse={url} data={plan.data}")


def asking(plan: Plan, url: ClickHouseUrl) -> str:
    """For a shell: the example query, its password on no command line, which every other user could read."""
    server = replace(url, user=None, password=None, name="")
    query = f"{shlex.quote(f'{server}/?database={url.database}')} -d {shlex.quote(_EXAMPLE)}"
    if plan.clickhouse is None:
        password = shlex.quote(str(plan.data / "clickhouse" / "password"))
        return f'echo "user = {url.user}:$(cat {password})" | curl -K - {query}'
    return f"curl -u {shlex.quote(url.user or 'default')} {query}"
