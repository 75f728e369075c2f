"""``leadstream erase``."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from processors.cli.config import readable
from processors.cli.loading import load_settings
from processors.cli.terminal import say
from processors.errors import CheckFailed, ExitCode, Unavailable
from processors.printable import printable
from processors.settings import Settings

if TYPE_CHECKING:
    from processors.cli.person.identity import Person


@click.command()
@click.argument("workspace")
@click.argument("customer")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--no-wait", is_flag=True, help="Send the erasure, and leave the rest to workers and sink.")
@click.option(
    "--timeout",
    type=click.IntRange(1),
    default=120,
    show_default=True,
    help="Seconds to wait until it is done.",
)
def erase(workspace: str, customer: str, yes: bool, no_wait: bool, timeout: int) -> None:
    """Forget CUSTOMER of WORKSPACE everywhere, for ever. This cannot be undone.

    Sends an erasure. The workers forget every fact of the person, also lead events that wait for their click,
    and delete the customer; ClickHouse hides and deletes every row. Events of the person that come later, or
    again, are refused as suppressed. Waits until workers and ClickHouse show that it is done.

    What the person did lies in the Kafka topics until LEADSTREAM_RETENTION is over, and the id itself stays:
    by it later events are known (docs/operations.md). May be run again at any time.

    \b
    Examples:
      leadstream erase acme u1
      leadstream erase acme u1 --yes --no-wait

    Writes to the topic erasures.

    Exit codes: 0 done, 1 not done in time (it will be, once workers and sink run), 69 no broker or no
    ClickHouse, 78 a setting is wrong, 130 interrupted.
    """
    settings = load_settings()
    from processors.cli.person.identity import person
    from processors.cli.topics import run_on_kafka

    who = person(workspace, customer)
    erasing = _Erasing(settings, who)
    before = {} if no_wait else erasing.stored()
    if not yes:
        click.confirm(printable(f"Forget {who} for ever?"), abort=True, err=True)
    run_on_kafka(erasing.send())
    say("erasure sent")
    if no_wait:
        say("workers and sink do the rest; without --no-wait this command shows that they have")
        return
    run_on_kafka(erasing.wait(timeout))
    deleted = ", ".join(f"{count:,} {name}" for name, count in before.items() if count) or "nothing was there"
    say(f"ClickHouse: deleted ({deleted})")
    say(
        f"{who} is forgotten, and later events are refused as suppressed. Topics keep what was sent until "
        f"their retention of {readable(settings.retention)} is over."
    )


class _Erasing:
    """One erasure, from the event to the proof that it was done."""

    def __init__(self, settings: Settings, person: "Person") -> None:
        self._settings, self._person = settings, person

    def stored(self) -> dict[str, int]:
        """Rows of the person in ClickHouse, by table. Raises ``Unavailable``: then nothing was sent."""
        from processors.cli.person.clickhouse_side import stored
        from processors.clickhouse.connection import NoClickHouse, open_clickhouse

        try:
            self._client = open_clickhouse(self._settings)
        except NoClickHouse as error:
            if error.exit_code != ExitCode.UNAVAILABLE:
                raise
            raise Unavailable(
                f"{error} Nothing was sent.", "--no-wait sends the erasure without looking at ClickHouse."
            ) from error
        return dict(stored(self._client, self._person))

    async def send(self) -> None:
        """Returns when it is acknowledged. Raises ``NoBroker`` or ``TopicsFailed``."""
        from processors.kafka.sending import EventSender
        from schemas.topics import Topic

        async with EventSender(self._settings) as sender:
            await sender.send(Topic.ERASURES, self._person.key, self._person.erasure())

    async def wait(self, timeout_s: float) -> None:
        """Until workers and ClickHouse have forgotten the person. Raises ``CheckFailed`` when time is up."""
        from processors.cli.running.console import Steps

        steps = Steps()
        waits_for = "the workers"
        try:
            async with asyncio.timeout(timeout_s):
                steps.spin("the workers forget")
                await self._until_held_by_nobody()
                steps.done("workers: forgotten")
                waits_for = "ClickHouse"
                steps.spin("ClickHouse deletes")
                await self._until_stored_nowhere()
        except TimeoutError:
            raise CheckFailed(
                f"{waits_for} not done within {timeout_s} s; the erasure is in Kafka, nothing is lost",
                f"Does a {'worker' if waits_for == 'the workers' else 'sink'} run? `leadstream doctor` says. "
                "Then run this command again.",
            ) from None
        finally:
            steps.rest()

    async def _until_held_by_nobody(self) -> None:
        """First by the offsets, which are cheap to ask for; then by the state itself."""
        from aiokafka.errors import KafkaError

        from processors.cli.person.worker_side import held_state
        from processors.kafka.lag import LagReader
        from schemas.topics import Topic

        async def read(topic: Topic) -> bool:
            try:
                return not await reader.lag(self._settings.worker_group, [topic])
            except KafkaError:
                return False  # it may pass, or time will be up

        async def forgotten() -> bool:
            held = await held_state(self._settings, self._person)
            return held.state is not None and held.state.erased

        async with LagReader(self._settings) as reader:
            await _until(lambda: read(Topic.ERASURES), 0.2)
            await _until(forgotten, 1)
            await _until(lambda: read(Topic.CLICK_ERASURES), 0.2)

    async def _until_stored_nowhere(self) -> None:
        from clickhouse_connect.driver.exceptions import ClickHouseError

        from processors.cli.person.clickhouse_side import is_erased, stored

        def gone() -> bool:
            try:
                rows = stored(self._client, self._person)
                return is_erased(self._client, self._person) and not any(rows.values())
            except ClickHouseError:
                return False  # it may pass, or time will be up

        await _until(lambda: asyncio.to_thread(gone), 0.2)


async def _until(condition: Callable[[], Awaitable[bool]], pause_s: float) -> None:
    while True:
        if await condition():
            return
        await asyncio.sleep(pause_s)
