"""Events of a file or a pipe into the topics where they belong."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Final

from processors.clock import epoch_ms
from processors.errors import CheckFailed
from processors.feeding.findings import Findings
from processors.feeding.lines import Line
from processors.feeding.reading import LineReader
from processors.feeding.unpacking import RawReader
from processors.kafka.sending import EventSender
from processors.progress import Progress
from processors.settings import Settings
from schemas.refused import Refused
from schemas.watching import Judge

_LINGER_S: Final = 0.05


class Feed:
    """One pass over a stream: each line is checked as a worker would, then sent where it belongs.

    ``untyped``: the type of lines that say none. ``strict``: lines with names that are close to those of
    fields are refused; else they are named, and sent.
    """

    def __init__(
        self, stream: RawReader, progress: Progress, *, untyped: str | None = None, strict: bool = False
    ) -> None:
        self._progress = progress
        self._stream = stream
        self._judge = Judge(untyped)
        self._typed = untyped is not None
        self._findings = Findings(progress.say, strict=strict)
        self._types: Counter[str] = Counter()
        self._sender: EventSender | None = None
        self._begin = time.monotonic()
        self.lines = 0
        self.taken = 0

    @property
    def refused(self) -> int:
        """Lines that were not sent."""
        return self._findings.refused

    async def check(self) -> None:
        """Validate only. Raises ``CheckFailed`` for a stream that cannot be read, or not to its end."""
        if failure := await self._read():
            raise failure

    async def send(self, settings: Settings) -> None:
        """Returns when every event is acknowledged; so is what came before what cannot be read.

        Raises as :meth:`check` and :class:`EventSender` do.
        """
        async with EventSender(settings) as self._sender:
            failure = await self._read()
        if failure:
            raise failure

    async def _read(self) -> CheckFailed | None:
        try:
            await self._read_all()
        except CheckFailed as failure:
            return failure
        return None

    async def _read_all(self) -> None:
        reader = LineReader(self._stream, typed=self._typed)
        last = False
        while not last:
            batch = await reader.next(_LINGER_S)
            if batch is None:
                # Whoever writes to this pipe takes a rest: what came so far must not wait for more.
                if self._sender:
                    await self._sender.dispatch()
                batch = await reader.next(None)
            now_ms = epoch_ms()
            for line in batch.lines:
                await self._take(line, now_ms)
            self._progress.advance(batch.taken - self.taken)
            self.taken, last = batch.taken, batch.last

    async def _take(self, line: Line, now_ms: int) -> None:
        self.lines += 1
        try:
            if line.refused is not None:
                raise line.refused
            place, close = self._judge(line.text, now_ms)
        except Refused as refused:
            self._findings.refuse(line, refused)
            return
        if close and self._findings.doubt(line, close):
            return
        self._types[place.type] += 1
        if self._sender:
            await self._sender.send(place.topic, place.key, line.text)

    def totals(self) -> Iterator[str]:
        """Lines about what was not told line by line."""
        return self._findings.totals()

    def summary(self) -> str:
        """One line about all of it."""
        seconds = time.monotonic() - self._begin
        good = self.lines - self.refused
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self._types.most_common())
        text = f"{good:,} valid" if self._sender is None else f"{self._sender.acknowledged:,} sent"
        if self._sender and self._sender.acknowledged < good:
            text += f" and acknowledged, of {good:,} read"
        doubtful = f", {self._findings.doubtful:,} with doubtful names" if self._findings.doubtful else ""
        rate = f" in {seconds:.1f} s ({self.lines / max(seconds, 1e-3):,.0f} lines/s)"
        return f"{text}, {self.refused:,} refused{doubtful}{rate}" + (f": {kinds}" if kinds else "")
