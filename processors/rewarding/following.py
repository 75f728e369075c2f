"""Keeping a process at the policies: all of them before its first event, and each new one long before it
holds.
"""

import asyncio
import logging
import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import Final

from processors.clock import boottime
from processors.engine.exits import die
from processors.kafka.connection import NoBroker
from processors.registry.reading import Reader
from processors.rewarding.policies import PolicyBook
from processors.rewards.parsing import AHEAD_MS
from processors.rewards.policy import Policies
from processors.settings import Settings
from schemas.topics import Topic

log = logging.getLogger(__name__)

_PATIENCE_S: Final = 30.0
_LOOK_S: Final = 30.0
_STALE_S: Final = AHEAD_MS / 1000 / 2
"""The other half is for clocks: of whoever wrote a version, and of whoever decides."""


class StalePolicies(Exception):
    """Nobody knows any more which policies there are. Nothing is wrong with a fact."""


class FollowedPolicies:
    """In a thread of its own. Without a broker the last ones hold for a while; what else is in the way of
    following them ends the process.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._book = PolicyBook()
        self._seen_s = 0.0

    def start(self) -> None:
        """Blocks until the topic was read whole. Raises ``NoBroker`` or ``KafkaRefused``."""
        read: Future[None] = Future()

        def follow() -> None:
            with suppress(asyncio.CancelledError):
                asyncio.run(self._follow(read))

        threading.Thread(target=follow, name="policies", daemon=True).start()
        read.result()

    def __call__(self) -> Policies:
        """Those that were known at most five minutes ago; raises :class:`StalePolicies`. From any thread."""
        age_s = self.age_s
        if age_s > _STALE_S:
            raise StalePolicies(f"the topic of the policies was last seen {age_s:.0f} s ago")
        return self._book.policies

    @property
    def count(self) -> int:
        """How many programs have one."""
        return len(self._book.policies)

    @property
    def age_s(self) -> float:
        """Since all of the topic was known."""
        return boottime() - self._seen_s

    async def _follow(self, read: "Future[None]") -> None:
        topics = (Topic.REWARD_POLICIES,)
        reader = Reader(self._settings, self._book.apply, _PATIENCE_S, topics)
        asked_s = boottime()
        try:
            await reader.open()
        except BaseException as error:
            read.set_exception(error)
            return
        self._seen_s = asked_s
        read.set_result(None)
        while True:
            await asyncio.sleep(_LOOK_S)
            asked_s = boottime()
            try:
                await reader.look()
                self._seen_s = asked_s
            except NoBroker as error:
                log.warning(f"the policies cannot be followed: {error}")
            except Exception as error:
                die(error)
