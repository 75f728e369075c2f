"""Settings and addresses → figures: every side is asked at the same time, and none waits for another."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, NoReturn, Self

from aiokafka.errors import KafkaError

from processors.clock import epoch_ms
from processors.disk import Disk
from processors.errors import LeadstreamError
from processors.kafka.connection import told
from processors.kafka.lag import LagReader
from processors.sink.failures import told as told_by_clickhouse
from processors.status.clickhouse_side import ClickHouseSide
from processors.status.figures import Fault, Figures, Flow, Process, Room, Stored, Unknown
from processors.status.kafka_side import KafkaSide
from processors.status.logs import last_fault
from processors.status.pages import process_at
from processors.status.places import Places
from processors.status.roster import Noted, noted_in
from schemas.times import rfc3339

PATIENCE_S: Final = 15.0
"""So long at most a side is waited for."""


class Reader:
    """Asks again and again; keeps its connections, and makes them anew when they fail. For one task."""

    def __init__(self, places: Places, clock: Callable[[], int] = epoch_ms) -> None:
        self._places = places
        self._clock = clock
        self._clickhouse = ClickHouseSide(places.settings)
        self._lag: LagReader | None = None
        self._kafka: KafkaSide | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave_kafka()
        self._clickhouse.close()

    async def figures(self, *, faults: bool = True) -> Figures:
        """Now. Raises nothing: what cannot be asked is ``Unknown``. Without ``faults`` no log is read."""
        flow, stored, processes, disk, found = await asyncio.gather(
            self._flow(),
            self._stored(),
            self._processes(),
            asyncio.to_thread(_disk_of, self._places.data),
            asyncio.to_thread(_faults_of, self._places.data if faults else None),
        )
        return Figures(self._clock(), self._places.where, flow, stored, processes, disk, found)

    async def _flow(self) -> Flow | Unknown:
        try:
            async with asyncio.timeout(PATIENCE_S):
                if self._kafka is None:
                    settings = self._places.settings
                    self._lag = await LagReader(settings).__aenter__()
                    self._kafka = KafkaSide(settings, self._lag, self._clock)
                return await self._kafka.flow()
        except (KafkaError, LeadstreamError, OSError) as error:  # a timeout is an OSError
            await self._leave_kafka()
            if isinstance(error, TimeoutError):
                return Unknown(
                    f"no answer from {self._places.settings.kafka_bootstrap} in {PATIENCE_S:.0f} s"
                )
            return Unknown(_line(told(error, self._places.settings.kafka_bootstrap).cause))

    async def _leave_kafka(self) -> None:
        lag, self._lag, self._kafka = self._lag, None, None
        if lag is not None:
            await lag.__aexit__(None, None, None)

    async def _stored(self) -> Stored | Unknown:
        try:
            return await asyncio.to_thread(self._clickhouse.stored)
        except LeadstreamError as error:
            return Unknown(_line(error.cause))
        except Exception as error:
            failure = told_by_clickhouse(error)
            return Unknown(_line(failure.cause if failure else f"{type(error).__name__}: {error}"))

    async def _processes(self) -> list[Process]:
        metrics, data = self._places.metrics, self._places.data
        asked = [asyncio.to_thread(process_at, name, url) for name, url in metrics.items()]
        found = dict(zip(metrics, await asyncio.gather(*asked), strict=True))
        noted = noted_in(data) if data is not None else []
        together = [merged(one, found.pop(one.name, None)) for one in noted]
        return [*together, *found.values()]


async def once(places: Places) -> Figures:
    """The figures of now."""
    async with Reader(places) as reader:
        return await reader.figures()


async def watching(places: Places, every_s: float, show: Callable[[Figures], None]) -> NoReturn:
    """Show them again and again, with a pause between. Raises ``Unavailable`` when their ``up`` has ended."""
    async with Reader(places) as reader:
        while True:
            figures = await reader.figures()
            # What is missing of one that is being stopped is no problem of it.
            places.require_up()
            show(figures)
            await asyncio.sleep(every_s)


def merged(noted: Noted, found: Process | None) -> Process:
    """What ``up`` has noted of a process, and what that says of itself, if it does."""
    state, since = "running" if found is None else found.state, noted.since_ms
    if not noted.alive:
        state = f"does not run: {noted.ended}" if noted.ended else "does not run"
    seen = found or Process(noted.name)
    return Process(
        noted.name,
        state,
        since,
        noted.restarts,
        noted.ended,
        seen.errors,
        seen.waits,
        seen.stopped,
    )


def _disk_of(data: Path | None) -> Room | None:
    if data is None:
        return None
    try:
        disk = Disk.of(data)
    except OSError:
        return None
    return Room(str(data), disk.free, disk.low)


def _faults_of(data: Path | None) -> list[Fault]:
    """The newest first."""
    noted = noted_in(data) if data is not None else []
    logged = [
        fault
        for one in noted
        for log in (Path(one.log), Path(f"{one.log}.1"))
        if (fault := last_fault(one.name, log)) is not None
    ]
    ends = [Fault(rfc3339(one.ended_ms), one.name, _line(one.ended)) for one in noted if one.ended]
    return sorted([*logged, *ends], key=lambda one: one.at, reverse=True)


def _line(text: str) -> str:
    return text.partition("\n")[0]
