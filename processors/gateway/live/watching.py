"""Those who watch, and the reader they share: it starts with the first of them, and stops after the last."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from aiokafka.errors import KafkaError

from processors.clock import epoch_ms
from processors.errors import LeadstreamError
from processors.gateway.answers import RETRY_AFTER_S, ApiError, Code
from processors.gateway.live.positions import Position, later
from processors.gateway.live.reading import BACK_MS, Reader
from processors.gateway.live.rings import MOST_BYTES, MOST_OF_EACH, Cursor, Lost, Record, Rings
from processors.settings import Settings

log = logging.getLogger(__name__)

_LOOK_S: Final = 2.0
_PATIENCE_S: Final = 3.0
"""For an answer of Kafka, until those who watch are told that there is none."""
_OPEN_S: Final = 10.0


@dataclass(frozen=True)
class Bounds:
    """``most``, ``most_of_each``: who may watch at once, in all and of one workspace. ``records_of_each``,
    ``bytes``: see ``Rings``. ``back_ms``: see ``Reader``. ``linger_s``: reading goes on for so long without
    anybody."""

    most: int = 2_000
    most_of_each: int = 500
    records_of_each: int = MOST_OF_EACH
    bytes: int = MOST_BYTES
    back_ms: int = BACK_MS
    linger_s: float = 60.0


class Watcher:
    """One of them: he asks for what is new, and waits until there is something. A context: leave it.

    ``number``: how many there were before him.
    """

    def __init__(self, live: "Live", workspace_id: str, since: Position | None, *, recent: bool) -> None:
        self._live = live
        self.number = live.watching
        self._since, self._recent = since, recent
        self._cursor: Cursor | None = None
        self._stirred = asyncio.Event()
        self.workspace_id = workspace_id

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.leave(self)

    def begin(self) -> bool:
        """Is there anything to take from? Not before reading has begun.

        Raises :class:`Lost` once, for whoever comes too late; then it goes on with what is there.
        """
        rings = self._live.rings
        if self._cursor is None and rings.are_filled:
            oldest = rings.oldest(self.workspace_id)
            if self._since is None:
                self._since = oldest if self._recent else rings.now
            try:
                self._cursor = Cursor(rings, self.workspace_id, self._since)
            except Lost:
                self._cursor = Cursor(rings, self.workspace_id, later(self._since, oldest))
                raise
        return self._cursor is not None

    def take(self, most: int) -> Iterator[Record]:
        """As of :class:`Cursor`, once it has begun."""
        assert self._cursor is not None  # noqa: S101 - narrows: begin() has said so
        try:
            yield from self._cursor.take(most)
        except Lost:
            self._live.dropped += 1
            raise

    @property
    def position(self) -> Position | None:
        """What he has now; None: nothing was read yet, and he came with nothing."""
        return self._since if self._cursor is None else self._cursor.position

    @property
    def waits(self) -> bool:
        """Nothing is there to be taken."""
        return self._cursor is None or self._cursor.waits

    @property
    def away(self) -> bool:
        """Kafka does not answer."""
        return self._live.away

    @property
    def over(self) -> bool:
        """Nothing more will come: the gateway ends, or reads anew. Whoever asks again goes on."""
        return self._live.ending or (self._cursor is not None and self._cursor.rings is not self._live.rings)

    def stir(self) -> None:
        """Something has changed."""
        self._stirred.set()

    async def wait(self, seconds: float) -> None:
        """Until something has changed, or for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
        except TimeoutError:
            return
        finally:
            self._stirred.clear()


class Live:
    """Of one gateway. ``watching``: how many do now. ``dropped``: how many were too slow."""

    def __init__(
        self, settings: Settings, bounds: Bounds | None = None, clock: Callable[[], int] = epoch_ms
    ) -> None:
        self._settings = settings
        self._bounds = bounds or Bounds()
        self._clock = clock
        self._watchers: defaultdict[str, set[Watcher]] = defaultdict(set)
        self._wanted = asyncio.Event()
        self.rings = self._empty()
        self.away = False
        self.ending = False
        self.watching = 0
        self.dropped = 0

    def watch(self, workspace_id: str, since: Position | None, *, recent: bool = False) -> Watcher:
        """From ``since`` on; None: from now on, or ``recent``: from the oldest that is here.

        Raises ``ApiError`` for one too many.
        """
        if self.watching >= self._bounds.most:
            raise _too_many("Too many streams are open here.")
        if len(self._watchers[workspace_id]) >= self._bounds.most_of_each:
            raise _too_many(f"More than {self._bounds.most_of_each} streams of this workspace are open.")
        found = Watcher(self, workspace_id, since, recent=recent)
        self._watchers[workspace_id].add(found)
        self.watching += 1
        self._wanted.set()
        return found

    def leave(self, watcher: Watcher) -> None:
        """He watches no longer."""
        of_workspace = self._watchers[watcher.workspace_id]
        if watcher in of_workspace:
            of_workspace.remove(watcher)
            self.watching -= 1
            if not of_workspace:
                del self._watchers[watcher.workspace_id]

    async def follow(self, stopping: asyncio.Event) -> None:
        """Until ``stopping`` is set: then all streams end at once."""
        reading = asyncio.create_task(self._follow())
        stopped = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({reading, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.end()
            stopped.cancel()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        if not reading.cancelled():
            reading.result()

    def end(self) -> None:
        """All streams, and whichever are opened from now on."""
        self.ending = True
        self.stir([*self._watchers])

    async def _follow(self) -> None:
        while True:
            await self._wanted.wait()
            try:
                await self._read()
            except (LeadstreamError, KafkaError, OSError, TimeoutError) as error:
                log.warning("events cannot be read as they come: %s", error or "no answer in time")
                self._tell(away=True)
                if not self.watching:
                    self._wanted.clear()
                await asyncio.sleep(_LOOK_S)

    async def _read(self) -> None:
        """Until nobody has watched for a while."""
        self.rings = self._empty()
        async with asyncio.timeout(_OPEN_S) as opening:
            async with Reader(self._settings, self.rings, self._clock, self._bounds.back_ms) as reader:
                opening.reschedule(None)
                self.stir(self._watchers)
                reading = asyncio.create_task(reader.run(self.stir))
                try:
                    await self._attend(reader, reading)
                finally:
                    reading.cancel()
                    await asyncio.gather(reading, return_exceptions=True)
        self.rings = self._empty()
        if reading.done() and not reading.cancelled():
            reading.result()

    async def _attend(self, reader: Reader, reading: "asyncio.Task[None]") -> None:
        idle = 0.0
        self._tell(away=False)
        while idle <= self._bounds.linger_s:
            await asyncio.wait({reading}, timeout=_LOOK_S)
            if reading.done():
                return
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    await reader.look()
                self._tell(away=False)
            except (KafkaError, OSError, TimeoutError):
                self._tell(away=True)
            idle = 0.0 if self.watching else idle + _LOOK_S
        if not self.watching:
            self._wanted.clear()

    def _empty(self) -> Rings:
        return Rings(self._bounds.records_of_each, self._bounds.bytes)

    def _tell(self, *, away: bool) -> None:
        if away is not self.away:
            self.away = away
            self.stir([*self._watchers])

    def stir(self, workspaces: Iterable[str]) -> None:
        """Records of these have come."""
        for workspace_id in workspaces:
            for one in self._watchers.get(workspace_id, ()):
                one.stir()


def _too_many(message: str) -> ApiError:
    return ApiError(
        Code.RATE_LIMIT_EXCEEDED, f"{message} Close some, or try again.", {"Retry-After": str(RETRY_AFTER_S)}
    )
