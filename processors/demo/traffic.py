"""What visitors do, in the order in which it reaches the system."""

from collections import deque
from collections.abc import Callable, Iterator
from hashlib import blake2b
from heapq import heappop, heappush
from random import Random
from typing import Final

from processors.demo import steps
from processors.demo.rhythm import Rhythm
from processors.demo.steps import Customer, DemoEvent
from processors.demo.story import DAYS, NUMBER, story
from processors.demo.world import WORKSPACES, Workspace, visitors
from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

# Shares. Per 100 clicks they come to about 12 deferred leads, 6 qualifications and 2 purchases.
_SIGN_UP: Final = 0.12
_RETURNING: Final = 0.12  # of sign-ups: a customer who came through another partner before
_AT_ONCE: Final = 0.03  # of sign-ups: not deferred
_QUALIFY: Final = 0.54
_QUALIFY_AGAIN: Final = 0.16
_BUY: Final = 0.34
_BUY_AGAIN: Final = 0.3
_WITHOUT_CLICK: Final = 0.002  # per click, a customer who never clicked a link qualifies
_BOT: Final = 0.015
_LATE_CLICK: Final = 0.01
_SIGN_UP_LAST: Final = 0.05  # of those who qualify: the sign-up reaches us after the qualification
_RETRIED: Final = 0.01
_LATE: Final = 0.02

_MASK: Final = 2**64 - 1


def generate(size: int, seed: int, now_ms: int, days: int = 30) -> Iterator[DemoEvent]:
    """Exactly ``size`` events, none after ``now_ms`` and none more than ``days`` before it.

    Equal arguments give equal events; other arguments give events that have no id in common with them. The
    order is that of arrival, roughly that of time. Memory grows with the customers who have not finished yet:
    by about a hundredth of ``size``.
    """
    traffic = _Traffic(size, seed, now_ms, days)
    rhythm = Rhythm(now_ms - days * DAY_MS, now_ms)
    for count in range(size):
        yield traffic.next(rhythm.at(count / size))


def protagonist(size: int, seed: int, now_ms: int, days: int = 30) -> str:
    """The customer of :mod:`processors.demo.story` in such traffic, if that is enough to have one."""
    return _external_id(_world(size, seed, now_ms, days).hex(), NUMBER)


def _world(size: int, seed: int, now_ms: int, days: int) -> bytes:
    """Tells traffic of these arguments from any other."""
    return blake2b(f"{size}:{seed}:{now_ms}:{days}".encode(), digest_size=8).digest()


def _external_id(world: str, number: int) -> str:
    return f"user_{world[:6]}_{number}"


class _Traffic:
    def __init__(self, size: int, seed: int, now_ms: int, days: int) -> None:
        world = _world(size, seed, now_ms, days)
        self._world = int.from_bytes(world, "big")
        self._tag = world.hex()
        self._rng = Random(self._world)
        self._random = self._rng.random
        self._visitors = visitors(self._rng, 4096)
        self._now_ms = now_ms
        self._start_ms = now_ms - days * DAY_MS
        self._clicks = 0
        self._customers = {workspace.workspace_id: 0 for workspace in WORKSPACES}
        self._known: dict[str, deque[Customer]] = {
            workspace.workspace_id: deque(maxlen=500) for workspace in WORKSPACES
        }
        # (arrival, order of scheduling, what arrives or how to make it)
        self._due: list[tuple[int, int, DemoEvent | Callable[[], DemoEvent]]] = []
        self._scheduled = 0
        if days >= DAYS:
            customer = _external_id(self._tag, NUMBER)
            for arriving in story(customer, self._click_id(), self._visitors[0], now_ms):
                self._schedule(*arriving)

    def next(self, clock_ms: int) -> DemoEvent:
        """The event that arrives at ``clock_ms``: one that is due, else the click of a new visitor."""
        while True:
            if self._due and self._due[0][0] <= clock_ms:
                what = heappop(self._due)[2]
                if isinstance(what, DemoEvent):
                    return what
                event = what()
            else:
                event = self._visit(clock_ms)
                if self._random() < _LATE_CLICK:
                    self._schedule(clock_ms + int(self._random() * 20 * MINUTE_MS), event)
                    continue
            if self._random() < _RETRIED:
                self._schedule(clock_ms + SECOND_MS + int(self._random() * 5 * MINUTE_MS), event)
            return event

    def _visit(self, clock_ms: int) -> DemoEvent:
        random = self._random
        workspace = WORKSPACES[0] if random() < WORKSPACES[0].share else WORKSPACES[1]
        link = workspace.links[int(random() * len(workspace.links))]
        visitor = self._visitors[int(random() * len(self._visitors))]
        click_id = self._click_id()
        at_ms = max(self._start_ms, clock_ms - int(random() * 2 * SECOND_MS))
        dice = random()
        if dice < _SIGN_UP:
            self._sign_up(workspace, click_id, at_ms)
        elif dice < _SIGN_UP + _WITHOUT_CLICK:
            self._qualify(self._customer(workspace), at_ms)
        return steps.click(workspace, click_id, link, visitor, at_ms, bot=dice > 1 - _BOT)

    def _sign_up(self, workspace: Workspace, click_id: str, click_ms: int) -> None:
        at_ms = click_ms + int(self._rng.lognormvariate(12.4, 1.3))  # median four minutes
        if at_ms > self._now_ms:
            return
        known, deferred = self._known[workspace.workspace_id], self._random() >= _AT_ONCE
        arrival = self._arrival(at_ms)
        if known and self._random() < _RETURNING:
            customer = known[int(self._random() * len(known))]
        else:
            customer = self._customer(workspace)
            known.append(customer)
            if self._random() < _QUALIFY:
                qualified = self._qualify(customer, at_ms)
                if qualified and self._random() < _SIGN_UP_LAST:
                    arrival = min(self._now_ms, qualified + int(self._random() * 30 * MINUTE_MS))
        self._schedule(arrival, lambda: steps.sign_up(customer, click_id, at_ms, deferred=deferred))

    def _qualify(self, customer: Customer, since_ms: int) -> int | None:
        """Returns when the qualification arrives; None: only in the future."""
        at_ms = since_ms + int(self._rng.lognormvariate(18.5, 1.1))  # median 30 hours
        if at_ms > self._now_ms:
            return None
        arrival = self._arrival(at_ms)
        self._schedule(arrival, lambda: steps.qualification(customer, 0, at_ms))
        again_ms = at_ms + int(self._random() * 4 * DAY_MS)
        if self._random() < _QUALIFY_AGAIN and again_ms <= self._now_ms:
            self._schedule(self._arrival(again_ms), lambda: steps.qualification(customer, 1, again_ms))
        if self._random() < _BUY:
            self._buy(customer, at_ms, 1)
        return arrival

    def _buy(self, customer: Customer, since_ms: int, invoice: int) -> None:
        at_ms = since_ms + HOUR_MS + int(self._random() * 6 * DAY_MS)
        if at_ms > self._now_ms:
            return
        self._schedule(self._arrival(at_ms), lambda: steps.purchase(customer, invoice, at_ms))
        if self._random() < _BUY_AGAIN:
            self._buy(customer, at_ms, invoice + 1)

    def _arrival(self, at_ms: int) -> int:
        lag_ms = self._random() * (2 * HOUR_MS if self._random() < _LATE else 3 * SECOND_MS)
        return min(self._now_ms, at_ms + int(lag_ms))

    def _schedule(self, arrival_ms: int, what: DemoEvent | Callable[[], DemoEvent]) -> None:
        self._scheduled += 1
        heappush(self._due, (arrival_ms, self._scheduled, what))

    def _customer(self, workspace: Workspace) -> Customer:
        number = self._customers[workspace.workspace_id] = self._customers[workspace.workspace_id] + 1
        return Customer(workspace, number, _external_id(self._tag, number))

    def _click_id(self) -> str:
        """The finaliser of SplitMix64: looks random, and no two counts give the same."""
        self._clicks += 1
        mixed = (self._world + self._clicks * 0x9E3779B97F4A7C15) & _MASK
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _MASK
        return f"{mixed ^ mixed >> 31:016x}"
