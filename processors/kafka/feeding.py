"""Lines of JSON into the topics where they belong."""

import time
from collections import Counter
from typing import Final

from processors.clock import epoch_ms
from processors.kafka.lines import ChunkReader, Line, RawReader, Splitter
from processors.kafka.sending import EventSender
from processors.progress import Progress
from processors.settings import Settings
from schemas.decoding import MAX_RECORD_BYTES, Refused
from schemas.routing import place_of

_LINGER_S: Final = 0.05


class Feed:
    """One pass over a stream: each line is checked as a worker would, then sent where it belongs."""

    def __init__(self, stream: RawReader, progress: Progress) -> None:
        self._progress = progress
        self.lines = 0
        self.refused = 0
        self._types: Counter[str] = Counter()
        self._stream = stream
        self._sender: EventSender | None = None
        self._begin = time.monotonic()

    async def check(self) -> None:
        """Validate only."""
        await self._read()

    async def send(self, settings: Settings) -> None:
        """Returns when every event is acknowledged."""
        async with EventSender(settings) as self._sender:
            await self._read()

    async def _read(self) -> None:
        reader, splitter = ChunkReader(self._stream), Splitter(MAX_RECORD_BYTES)
        chunk: bytes | None = b" "
        while chunk:
            chunk = await reader.next(_LINGER_S)
            if chunk is None:
                # Whoever writes to this pipe takes a rest: what came so far must not wait for more.
                if self._sender:
                    await self._sender.dispatch()
                chunk = await reader.next()
            now_ms = epoch_ms()
            for line in splitter.lines(chunk or b""):
                await self._take(line, now_ms)
            self._progress.advance(len(chunk or b""))

    async def _take(self, line: Line, now_ms: int) -> None:
        self.lines += 1
        try:
            place = place_of(line.text, now_ms)
        except Refused as refused:
            self.refused += 1
            self._progress.say(f"line {line.number}: {refused}")
            return
        self._types[place.type] += 1
        if self._sender:
            await self._sender.send(place.topic, place.key, line.text)

    def summary(self) -> str:
        """One line about all of it."""
        seconds = time.monotonic() - self._begin
        good = self.lines - self.refused
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self._types.most_common())
        text = f"{good:,} valid" if self._sender is None else f"{self._sender.acknowledged:,} sent"
        if self._sender and self._sender.acknowledged < good:
            text += f" and acknowledged, of {good:,} read"
        rate = f" in {seconds:.1f} s ({self.lines / max(seconds, 1e-3):,.0f} lines/s)"
        return f"{text}, {self.refused:,} refused{rate}" + (f": {kinds}" if kinds else "")
