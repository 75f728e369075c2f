"""Forgetting a person: the event, and the proof that workers and ClickHouse have come to it."""

import asyncio
from collections.abc import Awaitable, Callable

from aiokafka.errors import KafkaError
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from processors.clickhouse.connection import NoClickHouse, open_clickhouse
from processors.errors import CheckFailed, ExitCode, Unavailable
from processors.kafka.lag import LagReader
from processors.kafka.sending import EventSender
from processors.people.clickhouse_side import is_erased, stored
from processors.people.holdings import Holdings, look
from processors.people.identity import Person
from processors.people.worker_side import held_state
from processors.progress import Steps
from processors.settings import Settings
from schemas.topics import Topic


class Erasing:
    """One erasure, from the event to the proof that it was done."""

    def __init__(self, settings: Settings, person: Person) -> None:
        self._settings, self._person = settings, person
        self._client: Client | None = None

    def look(self, reach: Callable[[int, int], None], *, waits: bool) -> Holdings:
        """What is held of the person, as :func:`holdings.look`. Nothing is sent.

        ``waits``: :meth:`wait` comes later, and needs ClickHouse. Then raises ``Unavailable`` without it.
        """
        why = []
        try:
            self._client = open_clickhouse(self._settings)
        except NoClickHouse as error:
            if waits and error.exit_code != ExitCode.UNAVAILABLE:
                raise
            if waits:
                raise Unavailable(
                    f"{error} Nothing was sent.", "--no-wait sends the erasure without looking at ClickHouse."
                ) from error
            why.append(f"{error} It is not looked at.")
        found = look(self._settings, self._person, self._client, reach)
        found.notes += why
        return found

    async def send(self) -> None:
        """Returns when it is acknowledged. Raises ``NoBroker`` or ``KafkaRefused``."""
        async with EventSender(self._settings) as sender:
            await sender.send(Topic.ERASURES, self._person.key, self._person.erasure())

    async def wait(self, timeout_s: float, steps: Steps) -> None:
        """Until workers and ClickHouse have forgotten the person. Raises ``CheckFailed`` when time is up."""
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

    async def _until_held_by_nobody(self) -> None:
        """First by the offsets, which are cheap to ask for; then by the state itself."""

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
        client = self._client
        assert client is not None  # noqa: S101 - narrows: whoever waits has looked

        def gone() -> bool:
            try:
                rows = stored(client, self._person)
                return is_erased(client, self._person) and not any(rows.values())
            except ClickHouseError:
                return False  # it may pass, or time will be up

        await _until(lambda: asyncio.to_thread(gone), 0.2)


async def _until(condition: Callable[[], Awaitable[bool]], pause_s: float) -> None:
    while True:
        if await condition():
            return
        await asyncio.sleep(pause_s)
