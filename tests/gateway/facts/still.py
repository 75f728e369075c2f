"""Facts beside topics that stand still, and a ClickHouse that answers as it is told: no servers."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from processors.gateway.facts.certainty import Ends, Marks, Worked
from processors.gateway.facts.entries import ClickEntry, SaleEntry, Standing
from processors.gateway.facts.following import Follower
from processors.gateway.facts.older import Erased, Older
from processors.gateway.facts.reading import Memory
from processors.gateway.facts.recent import Recent
from processors.gateway.facts.service import RecentAndOlder
from processors.gateway.facts.watching import Watch
from processors.settings import Settings
from schemas.links import Link
from schemas.routing import routed_of
from schemas.topics import Topic

NOW_MS = 1_700_000_000_000
_SETTINGS = Settings()


class NoLinks:
    """A registry without any."""

    def get(self, link_id: str) -> Link | None:  # noqa: ARG002
        return None


class StillFollower(Follower):
    """Memory has everything of topics of one partition each."""

    def __init__(self, memory: Memory) -> None:
        self.partitions = dict.fromkeys(memory.topics, 1)
        self._recent = memory.recent
        self.asked = 0

    async def ends(self) -> Mapping[TopicPartition, int]:
        self.asked += 1
        return dict(self._recent.reached)

    async def reach(self, ends: Mapping[TopicPartition, int]) -> None:
        """At once."""

    async def past_markers(self, places: Iterable[TopicPartition]) -> None:
        """There are none."""


class StillOlder(Older):
    """Has what it is given, after whatever ``before`` does."""

    def __init__(self) -> None:
        self.clicks: dict[str, ClickEntry] = {}
        self.customers: dict[str, Standing | Erased] = {}
        self.before: Callable[[], Awaitable[object]] | None = None

    async def click(self, workspace_id: str, click_id: str) -> ClickEntry | None:  # noqa: ARG002
        return self.clicks.get(click_id)

    async def customer(self, workspace_id: str, customer: str) -> Standing | Erased | None:  # noqa: ARG002
        if self.before is not None:
            await self.before()
        return self.customers.get(customer)

    def cached_customer(self, workspace_id: str, customer: str) -> Standing | Erased | None:  # noqa: ARG002
        return None

    async def sale(self, workspace_id: str, customer: str, invoice_id: str) -> SaleEntry | None:  # noqa: ARG002
        return None


class StillWatch(Watch):
    """Sink and workers had come ``sunk`` and ``worked`` far, in each partition."""

    def __init__(self, settings: Settings, sunk: int, worked: int) -> None:
        super().__init__(settings, lambda _: {})
        self._sunk = {
            TopicPartition(settings.topic(topic), 0): sunk for topic in (Topic.CLICKS, Topic.CUSTOMERS)
        }
        marks = Marks({0: worked}, {0: worked}, {0: worked})
        nothing = {0: 0}
        for _ in range(3):
            self._trail.look(Worked(marks, nothing, nothing), Ends(nothing, nothing, nothing))


class Still:
    """All of it. ``limit``: bytes of memory."""

    def __init__(self, *, sunk: int = 0, worked: int = 0, limit: int = 1 << 30) -> None:
        self.memory = Memory(Recent(limit), NoLinks, lambda: NOW_MS)
        self.follower, self.older = StillFollower(self.memory), StillOlder()
        for topic in self.memory.topics:
            self.memory.recent.begin(TopicPartition(_SETTINGS.topic(topic), 0), 0)
        watch = StillWatch(_SETTINGS, sunk, worked)
        self.facts = RecentAndOlder(_SETTINGS, self.memory, self.follower, watch, self.older)

    def write(self, value: bytes) -> None:
        """It is in its topic, and memory has read it."""
        topic = routed_of(value, NOW_MS).topic
        record: Any = SimpleNamespace(value=value, timestamp=NOW_MS, headers=())
        self.memory.reader(topic)(record)
        place = TopicPartition(_SETTINGS.topic(topic), 0)
        self.memory.recent.advance(place, self.memory.recent.reached[place] + 1)
