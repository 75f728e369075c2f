"""A few at a time, each tenant in its turn."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """So many at a time, of one tenant fewer. Of those who wait, next is the tenant that has least under way,
    then the one whose last ended longest ago.

    So a tenant may ask without end: another waits for what is under way, never for what waits.
    """

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._under_way = Counter[str]()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, tenant: str) -> AsyncIterator[None]:
        """Waits until it has come."""
        await self._come(tenant)
        try:
            yield
        finally:
            self._go(tenant)

    async def _come(self, tenant: str) -> None:
        come = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, deque()).append(come)
        self._call()
        try:
            await come
        except asyncio.CancelledError:
            if not come.cancelled():
                self._go(tenant)
            raise

    def _go(self, tenant: str) -> None:
        self._under_way[tenant] -= 1
        self._under_way += Counter()
        if tenant in self._waiting:
            self._waiting[tenant] = self._waiting.pop(tenant)
        self._call()

    def _call(self) -> None:
        while self._waiting and self._under_way.total() < self._most:
            tenant = min(self._waiting, key=self._under_way.__getitem__)
            if self._under_way[tenant] >= self._most_of_one:
                return
            waiting = self._waiting.pop(tenant)
            come = waiting.popleft()
            if waiting:
                self._waiting[tenant] = waiting
            # Whoever was cancelled may not have run since.
            if not come.cancelled():
                self._under_way[tenant] += 1
                come.set_result(None)
