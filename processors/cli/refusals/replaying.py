"""Sends refusals back to the topics they came from, no faster than asked."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from processors.cli.progress import Bar
from processors.cli.refusals.finding import Finder, ids_text
from processors.cli.refusals.refusal import Kind, LeftAlone, Outgoing
from processors.cli.refusals.selection import Id, Selection
from processors.cli.terminal import say, say_json
from processors.cli.topics import run_on_kafka
from processors.errors import CheckFailed
from processors.kafka.sending import EventSender
from processors.settings import Settings

_TRANSACTIONS_A_SECOND: Final = 10
_MOST_EVENTS: Final = 1_000
_MOST_BYTES: Final = 8 << 20


@dataclass(frozen=True)
class Pace:
    """At most ``rate`` a second. ``clock``: seconds, never backwards."""

    rate: int
    clock: Callable[[], float] = time.monotonic
    begin: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "begin", self.clock())

    def wait_s(self, sent: int) -> float:
        """How long after ``sent`` events the next one has to wait."""
        return self.begin + sent / self.rate - self.clock()


class Replay:
    """One run over the selected refusals. What failed ``max_attempts`` times, no id naming it, stays.

    Each event goes back in one transaction with the note of that, in the topic of its refusal. So whatever
    becomes of it is reported after the note: it is refused still when, and only when, a report follows.
    """

    def __init__(
        self, settings: Settings, kind: Kind, selection: Selection, *, rate: int, max_attempts: int = 1 << 31
    ) -> None:
        self._settings = settings
        self._kind = kind
        self._selection = selection
        self._max_attempts = max_attempts
        self._rate = rate
        self._sender: EventSender | None = None
        self._waiting: list[tuple[Outgoing, Outgoing]] = []
        self._waiting_bytes = 0
        self._by_topic: Counter[str] = Counter()
        self._left: Counter[str] = Counter()
        self._readable = 0
        self._missing: set[Id] = set()

    def finish(self, *, dry_run: bool, as_json: bool) -> None:
        """Do it, or find out what it would do; and tell. Raises ``CheckFailed`` when an id is not there."""
        try:
            run_on_kafka(self._each(self._take) if dry_run else self._run())
        except BaseException:
            if self._by_topic:
                self._tell(as_json=as_json)
            raise
        self._tell(as_json=as_json)
        if self._missing:
            raise CheckFailed(f"not found: {ids_text(self._missing)}", "`list` shows the ids there are.")

    async def _run(self) -> None:
        """Returns when every event is acknowledged."""
        pace = Pace(self._rate)
        most = min(max(self._rate // _TRANSACTIONS_A_SECOND, 1), _MOST_EVENTS)

        async def send(outgoing: Outgoing, note: Outgoing) -> None:
            await self._take(outgoing, note)
            self._waiting.append((outgoing, note))
            self._waiting_bytes += len(outgoing.value or b"")
            if len(self._waiting) >= most or self._waiting_bytes > _MOST_BYTES:
                await self._send_waiting(pace)

        async with EventSender(self._settings, transactional=True) as self._sender:
            await self._each(send)
            await self._send_waiting(pace)

    async def _send_waiting(self, pace: Pace) -> None:
        """In one transaction, which is open no longer than that takes: workers wait for it."""
        assert self._sender is not None  # noqa: S101 - narrows
        await asyncio.sleep(max(pace.wait_s(self._acknowledged), 0))
        for outgoing, note in self._waiting:
            await self._sender.send(*outgoing)
            await self._sender.send(*note)
        await self._sender.flush()
        self._waiting, self._waiting_bytes = [], 0

    @property
    def _acknowledged(self) -> int:
        return 0 if self._sender is None else self._sender.acknowledged // 2

    async def _take(self, outgoing: Outgoing, _: Outgoing) -> None:
        self._by_topic[outgoing.topic.value] += 1

    async def _each(self, send: Callable[[Outgoing, Outgoing], Any]) -> None:
        with Bar("replaying", None, "records") as bar:
            finder = Finder(self._settings, self._kind, self._selection, bar)
            async for one in finder.find():
                now_ms = time.time_ns() // 1_000_000
                try:
                    if one.attempt >= self._max_attempts and not self._selection.ids:
                        raise LeftAlone(f"failed {self._max_attempts} times or more (--max-attempts)")
                    outgoing = one.back(now_ms)
                except LeftAlone as why:
                    self._left[str(why)] += 1
                    continue
                self._readable += one.readable(now_ms)
                await send(outgoing, one.note())
        self._missing = finder.missing

    def _tell(self, *, as_json: bool) -> None:
        planned = self._by_topic.total()
        done = planned if self._sender is None else self._acknowledged
        if as_json:
            document = {
                "replayed": self._acknowledged,
                "selected": planned + self._left.total(),
                "dryRun": self._sender is None,
                "byTopic": dict(self._by_topic),
                "readableByThisVersion": self._readable,
                "leftAlone": dict(self._left),
            }
            say_json(orjson.dumps(document))
            return
        verb = "would replay" if self._sender is None else "replayed"
        text = f"{verb} {self._kind.count(done)}"
        if done < planned:
            text += f" of {planned:,}"
        topics = ", ".join(f"{times:,} to {topic}" for topic, times in self._by_topic.most_common())
        say(text + (f": {topics}; this version reads {self._readable:,} of them" if planned else ""))
        for why, times in self._left.most_common():
            say(f"left alone {times:,}: {why}")
