"""A contestant that is right but for one lead: ``python -m tests.bench.cheat lose|double|change``."""

import asyncio
import sys
from typing import Any

from bench.peers.aiokafka_loop import w1

VICTIM = 100


class Cheating:
    """In place of the loop's producer."""

    def __init__(self, producer: Any, how: str) -> None:
        self._producer = producer
        self._how = how
        self._leads = 0

    async def send(self, topic: str, value: bytes, **where: Any) -> asyncio.Future[Any]:
        self._leads += topic == w1.LEADS
        if topic == w1.LEADS and self._leads == VICTIM:
            if self._how == "lose":
                nothing: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                nothing.set_result(None)
                return nothing
            if self._how == "double":
                await self._producer.send(topic, value, **where)
            if self._how == "change":
                value = value.replace(b"Ada Lovelace", b"Lady Byron")
        sent: asyncio.Future[Any] = await self._producer.send(topic, value, **where)
        return sent

    async def start(self) -> None:
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()


async def main() -> None:
    loop = w1.Loop()
    loop._producer = Cheating(loop._producer, sys.argv[1])
    await loop.run()


if __name__ == "__main__":
    asyncio.run(main())
