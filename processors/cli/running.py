"""What ``leadstream up`` shows, from the first step to the last."""

import asyncio
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from clickhouse_connect.driver.client import Client

from processors.clickhouse.queries import FUNNEL, NEWEST_EVENTS, TIME_SERIES, rows
from processors.demo.world import WORKSPACES
from processors.settings import Settings, variable
from processors.settings.running import running_up
from processors.stack.gateway import url_of
from processors.stack.interrupt import Interrupt
from processors.stack.running import Plan, running
from processors.stack.supervisor import ServiceFailed
from processors.stack.up import Demo, until_asked, work
from processors.terminal.bars import Bar
from processors.terminal.program import program
from processors.terminal.steps import Steps
from processors.terminal.tables import funnel, newest, time_series
from schemas.times import DAY_MS, rfc3339

_DAYS: Final = 30
_NEWEST: Final = 6


def run(plan: Plan, settings: Settings, demo: Demo | None) -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    screen = Screen()
    with Interrupt() as interrupt:
        try:
            with running(plan, settings, screen) as system:
                asyncio.run(until_asked(interrupt, system, work(plan, system, demo, screen)))
        except ServiceFailed as error:
            error.remedy = "Mend that, then run `leadstream up` again; nothing is lost."
            raise
        finally:
            screen.rest()
    return 0


class Screen(Steps):
    """Steps, bars and tables of ``up``."""

    def command(self, data: Path) -> str:
        """In this directory."""
        return program() if _finds_us() else f"{_data_dir(data)} {program()}"

    def counting(self, label: str, total: int, amount: str) -> Bar:
        """A bar."""
        return Bar(label, total, amount)

    def views(self, client: Client, end_ms: int) -> None:
        """What became of each workspace of the demo, over the days until ``end_ms``."""
        window = {"start": rfc3339(end_ms - _DAYS * DAY_MS), "end": rfc3339(end_ms + 1)}
        for workspace in (one.workspace_id for one in WORKSPACES):
            parameters = {"workspace": workspace, "newest": _NEWEST, **window}
            self.say("")
            self.show(time_series(workspace, rows(client, TIME_SERIES, parameters)))
            self.show(funnel(workspace, rows(client, FUNNEL, parameters)))
            self.show(newest(workspace, rows(client, NEWEST_EVENTS, parameters)))

    def announce(self, plan: Plan, settings: Settings) -> None:
        """The addresses, this once, and what to do with them."""
        found = settings.clickhouse_address
        # The embedded server's password is for whoever reads this; another's is known to those it is for.
        url = found.secret() if plan.clickhouse is None else str(found)
        self.rest()
        self.say(
            f"leadstream is ready: kafka={settings.kafka_bootstrap} clickhouse={url}"
            f" gateway={url_of(settings)} data={plan.data}"
        )
        if self.console.is_terminal:
            for line in hints(plan.data):
                self.say(line)


def hints(data: Path) -> Iterator[str]:
    """What to do now, as it can be pasted into another terminal."""
    leadstream = program()
    if _finds_us():
        yield "In another terminal, in this directory or below it:"
    else:
        yield f"In another terminal, after `export {_data_dir(data)}`:"
    todo = {
        f"{leadstream} send events.jsonl": "events of your own, JSON a line",
        f"{leadstream} workspace create acme": "keys for HTTP: the gateway's /docs",
        f"{leadstream} sql": "what became of them",
        f'eval "$({leadstream} env)"': "addresses, for other programs",
    }
    width = max(map(len, todo))
    yield from (f"  {command:<{width}}  {what}" for command, what in todo.items())


def _finds_us() -> bool:
    """Whether a command finds this process from this directory."""
    found = running_up()
    return found is not None and found.pid == os.getpid()


def _data_dir(data: Path) -> str:
    return f"{variable('data_dir')}={shlex.quote(str(data.absolute()))}"
