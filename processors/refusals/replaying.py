"""Sends refusals back to the topics they came from, no faster than asked."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from processors.clock import epoch_ms
from processors.kafka.sending import EventSender
from processors.progress import Progress
from processors.refusals.finding import Finder
from processors.refusals.refusal import Kind, LeftAlone, Outgoing
from processors.refusals.selection import Id, Selection
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

    ``by_topic``: where they go to. ``left_alone``: how many do not go, by reason. ``readable``: how many this
    version finds nothing wrong with. ``missing``: ids that are not there. ``workspaces``: as of a ``Finder``.

    Each event goes back in one transaction with the note of that, in the topic of its refusal. So whatever
    becomes of it is reported after the note: it is refused still when, and only when, a report follows.
    """

    def __init__(
        self,
        settings: Settings,
        kind: Kind,
        selection: Selection,
        *,
        rate: int,
        progress: Progress,
        max_attempts: int = 1 << 31,
    ) -> None:
        self._settings = settings
        self._kind = kind
        self._selection = selection
        self._max_attempts = max_attempts
        self._rate = rate
        self._progress = progress
        self._sender: EventSender | None = None
        self._waiting: list[tuple[Outgoing, Outgoing]] = []
        self._waiting_bytes = 0
        self.by_topic: Counter[str] = Counter()
        self.left_alone: Counter[str] = Counter()
        self.readable = 0
        self.missing: set[Id] = set()
        self.workspaces: set[str] = set()

    async def rehearse(self) -> None:
        """Find out what it would do."""
        await self._each(self._take)

    async def run(self) -> None:
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
        await asyncio.sleep(max(pace.wait_s(self.acknowledged), 0))
        for outgoing, note in self._waiting:
            await self._sender.send(*outgoing)
            await self._sender.send(*note)
        await self._sender.flush()
        self._waiting, self._waiting_bytes = [], 0

    @property
    def acknowledged(self) -> int:
        """How many have gone, safely."""
        return 0 if self._sender is None else self._sender.acknowledged // 2

    async def _take(self, outgoing: Outgoing, _: Outgoing) -> None:
        self.by_topic[outgoing.topic.value] += 1

    async def _each(self, send: Callable[[Outgoing, Outgoing], Any]) -> None:
        finder = Finder(self._settings, self._kind, self._selection, self._progress)
        async for one in finder.find():
            now_ms = epoch_ms()
            try:
                if one.attempt >= self._max_attempts and not self._selection.ids:
                    raise LeftAlone(f"failed {self._max_attempts} times or more (--max-attempts)")
                outgoing = one.back(now_ms)
            except LeftAlone as why:
                self.left_alone[str(why)] += 1
                continue
            self.readable += one.readable(now_ms)
            await send(outgoing, one.note())
        self.missing, self.workspaces = finder.missing, finder.workspaces

    def document(self, *, dry_run: bool) -> dict[str, Any]:
        """What was done, or would be."""
        return {
            "replayed": self.acknowledged,
            "selected": self.by_topic.total() + self.left_alone.total(),
            "dryRun": dry_run,
            "byTopic": dict(self.by_topic),
            "readableByThisVersion": self.readable,
            "leftAlone": dict(self.left_alone),
        }

    def lines(self, *, dry_run: bool) -> Iterator[str]:
        """The same, for people."""
        planned = self.by_topic.total()
        done = planned if dry_run else self.acknowledged
        text = f"{'would replay' if dry_run else 'replayed'} {self._kind.count(done)}"
        if done < planned:
            text += f" of {planned:,}"
        topics = ", ".join(f"{times:,} to {topic}" for topic, times in self.by_topic.most_common())
        yield text + (f": {topics}; this version reads {self.readable:,} of them" if planned else "")
        for why, times in self.left_alone.most_common():
            yield f"left alone {times:,}: {why}"
