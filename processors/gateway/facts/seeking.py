"""How a fact is looked for that is not known yet."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from processors.gateway.facts.following import Follower
from processors.gateway.facts.reading import Arrivals, Waited
from processors.gateway.known import Uncertain

T = TypeVar("T")
Ends = Mapping[TopicPartition, int]

WAIT_S: Final = 2.0
"""So long may a fact be under way."""
_SOON_S: Final = 0.2
"""ClickHouse has answered by then, or leaves too little time to ask Kafka after it."""


@dataclass(frozen=True)
class Sought(Generic[T]):
    """``ends``: of the partitions, when it was asked already; memory has everything before them. Empty when
    something was found."""

    found: T | None
    ends: Ends


class Seeker:
    """Waits for arrivals, and for memory to have come as far as the topics were when it was asked."""

    def __init__(self, follower: Follower, arrivals: Arrivals) -> None:
        self._follower = follower
        self._arrivals = arrivals

    async def seek(
        self, waited: Waited, places: Iterable[TopicPartition], look: Callable[[], Awaitable[T | None]]
    ) -> Sought[T]:
        """Look, and look again whenever something of this name comes, for up to 2 s.

        Raises ``Uncertain`` when ``look`` did so and nothing has come since, or when Kafka does not tell.
        """
        catching: asyncio.Task[Ends] | None = None

        def catch_up() -> None:
            nonlocal catching
            catching = catching or asyncio.create_task(self.catch_up(places))

        # Most are there, and then Kafka need not be asked. Ends of a later moment only ask for more.
        later = asyncio.get_running_loop().call_later(_SOON_S, catch_up)
        trouble: Uncertain | None = None
        arrival = self._arrivals.expect(waited)
        try:
            async with asyncio.timeout(WAIT_S):
                while True:
                    # Until it is answered: whoever runs out of time before that knows nothing.
                    trouble = _not_told()
                    try:
                        if (found := await look()) is not None:
                            return Sought(found, {})
                        trouble = None
                    except Uncertain as error:
                        trouble = error
                    catch_up()
                    await arrival
                    arrival = self._arrivals.expect(waited)
        except TimeoutError:
            if trouble is not None:
                raise trouble from None
            if catching is None or not catching.done():
                raise _not_told() from None
            return Sought(None, catching.result())
        finally:
            later.cancel()
            self._arrivals.forget(waited, arrival)
            if catching is not None:
                catching.cancel()
                await asyncio.gather(catching, return_exceptions=True)

    async def look_now(
        self, waited: Waited, places: Iterable[TopicPartition], look: Callable[[], Awaitable[T | None]]
    ) -> Sought[T]:
        """As :meth:`seek`, and waits for nothing that was written after the call."""
        ends = await self.catch_up(places)
        try:
            async with asyncio.timeout(WAIT_S):
                while True:
                    arrival = self._arrivals.expect(waited)
                    try:
                        found = await look()
                    finally:
                        self._arrivals.forget(waited, arrival)
                    if found is not None:
                        return Sought(found, {})
                    if not arrival.done():
                        return Sought(None, ends)
        except TimeoutError:
            raise _not_told() from None

    async def catch_up(self, places: Iterable[TopicPartition]) -> Ends:
        """Returns when memory has everything that was in the partitions before the call.

        Raises ``Uncertain`` after 2 s, or when Kafka does not tell.
        """
        try:
            async with asyncio.timeout(WAIT_S):
                all_ends = await self._follower.ends()
                ends = {place: all_ends[place] for place in places}
                await self._follower.reach(ends)
        except (TimeoutError, KafkaError):
            raise _not_told() from None
        return ends


def _not_told() -> Uncertain:
    return Uncertain("Kafka and ClickHouse do not tell in time what there is. Try again.")
