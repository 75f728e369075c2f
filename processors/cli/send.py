"""``leadstream send``."""

import asyncio
import os
import stat
import time
from collections import Counter
from typing import IO, TYPE_CHECKING

import click

from processors.cli.lines import ChunkReader, Line, RawReader, Splitter
from processors.cli.loading import load_settings
from processors.cli.progress import Bar
from processors.cli.terminal import say
from processors.errors import CheckFailed
from processors.settings import Settings
from schemas.decoding import MAX_RECORD_BYTES, Refused
from schemas.routing import place_of

if TYPE_CHECKING:
    from processors.kafka.sending import EventSender

_LINGER_S = 0.05


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Validate only: send nothing, need no Kafka.")
def send(file: IO[bytes], dry_run: bool) -> None:
    """Send events from FILE, or from standard input when FILE is -.

    FILE holds JSON Lines: one event per line, its "type" being click, lead, purchase or erasure. Each line is
    checked as the worker would check it, and goes as it is to the topic and partition where it belongs. Lines
    that are no events are named on stderr with field and rule; the others are sent all the same. Blank lines
    are skipped. An event that is sent twice counts once. Two purchases of one customer with equal content are
    one event unless invoiceId, eventId or timestamp tells them apart.

    \b
    Examples:
      leadstream send events.jsonl
      leadstream send --dry-run events.jsonl
      tail -f app.log | jq -c --unbuffered .event | leadstream send -
      echo '{"type":"click","workspaceId":"acme","clickId":"c1"}' | leadstream send -

    Writes to Kafka at LEADSTREAM_KAFKA_BOOTSTRAP; every event is acknowledged by all replicas in sync.

    Exit codes: 0 all lines were sent, 1 some were refused, 69 no broker, 78 a topic is missing.
    """
    settings = load_settings()
    run = _Run(getattr(file, "raw", file))
    try:
        with Bar("checking" if dry_run else "sending", _size(file), "bytes") as run.bar:
            if dry_run:
                asyncio.run(run.check())
            else:
                from processors.kafka.running import run_on_kafka

                run_on_kafka(run.send(settings))
    except BaseException:
        if run.lines:
            say(run.summary())
        raise
    say(run.summary())
    if run.refused:
        raise CheckFailed(
            f"{run.refused:,} of {run.lines:,} lines refused", "Each is named above, with its reason."
        )


def _size(file: IO[bytes]) -> int | None:
    """How much there is to read, where that is known."""
    try:
        status = os.fstat(file.fileno())
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


class _Run:
    """One pass over a stream, and what came of it."""

    def __init__(self, stream: RawReader) -> None:
        self.bar = Bar("", None, "bytes")
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
        from processors.kafka.sending import EventSender

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
            now_ms = time.time_ns() // 1_000_000
            for line in splitter.lines(chunk or b""):
                await self._take(line, now_ms)
            self.bar.advance(len(chunk or b""))

    async def _take(self, line: Line, now_ms: int) -> None:
        self.lines += 1
        try:
            place = place_of(line.text, now_ms)
        except Refused as refused:
            self.refused += 1
            self.bar.say(f"line {line.number}: {refused}")
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
