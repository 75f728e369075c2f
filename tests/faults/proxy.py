"""A TCP proxy that is as slow as it is told, and cuts when it is told."""

import asyncio
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class Proxy:
    """Between a client and a server on loopback. ``delay_s``: before each piece of an answer."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self.delay_s = 0.0
        self.port = 0
        self.answers = 0
        self._open = set[asyncio.StreamWriter]()

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> int:
        """Every connection there is, without a word to either side; how many."""
        return asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result()

    async def _cut(self) -> int:
        count = len(self._open)
        for one in self._open:
            one.transport.abort()
        return count

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            server, ask = await asyncio.open_connection("127.0.0.1", self._target)
            self._open.add(answer)
            try:
                await asyncio.gather(self._forward(client, ask), self._forward(server, answer, slowly=True))
            finally:
                self._open.discard(answer)

    async def _forward(
        self, source: asyncio.StreamReader, to: asyncio.StreamWriter, *, slowly: bool = False
    ) -> None:
        try:
            while piece := await source.read(1 << 16):
                if slowly:
                    self.answers += 1
                    await asyncio.sleep(self.delay_s)
                to.write(piece)
                await to.drain()
        finally:
            to.close()
