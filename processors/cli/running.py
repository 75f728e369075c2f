"""What ``leadstream up`` shows, from the first step to the last."""

import asyncio
from typing import Final

from clickhouse_connect.driver.client import Client
from rich.panel import Panel
from rich.text import Text

from processors.clickhouse.queries import FUNNEL, NEWEST_EVENTS, TIME_SERIES, rows
from processors.demo.world import WORKSPACES
from processors.printable import printable_lines
from processors.settings import Settings
from processors.stack.gateway import url_of
from processors.stack.interrupt import Interrupt
from processors.stack.running import Plan, running
from processors.stack.supervisor import ServiceFailed
from processors.stack.up import Demo, asking, until_asked, work
from processors.terminal.bars import Bar
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
        """The addresses, and what to do with them."""
        found = settings.clickhouse_address
        # The embedded server's password is for whoever reads this; another's is known to those it is for.
        url = found.secret() if plan.clickhouse is None else str(found)
        self.rest()
        if self.console.is_terminal:
            addresses = (
                f"Kafka       {settings.kafka_bootstrap}\nClickHouse  {url}\n"
                f"Gateway     {url_of(settings)}\nData, logs  {plan.data}"
            )
            self.show(
                Panel(
                    Text(printable_lines(addresses)),
                    title="leadstream is ready",
                    title_align="left",
                    expand=False,
                )
            )
            # Outside the panel, so that they can be copied.
            self.say("Send events of your own, one JSON object per line:")
            self.say(f"  LEADSTREAM_KAFKA_BOOTSTRAP={settings.kafka_bootstrap} leadstream send events.jsonl")
            self.say("Call it over HTTP, with a key of `leadstream workspace create`:")
            self.say(f"  {url_of(settings)}/docs")
            self.say("Query what became of them:")
            self.say(f"  {asking(plan, found)}")
        self.say(
            f"leadstream is ready: kafka={settings.kafka_bootstrap} clickhouse={url}"
            f" gateway={url_of(settings)} data={plan.data}"
        )
