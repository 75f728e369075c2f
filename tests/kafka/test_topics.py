"""Topics that are made on several brokers: not all hear of them at once."""

from types import SimpleNamespace
from typing import Any

from processors.kafka.layouts import Layout
from processors.kafka.topics import MISSING, _differences, _settled

LAYOUT = Layout("leads", 1, 3, {"min.insync.replicas": "2"})
UNKNOWN_TOPIC = 3


class Brokers:
    """One that tells of topics knows this one; the other, asked for settings, from the ``nth`` time on."""

    def __init__(self, nth: int) -> None:
        self.left = nth

    async def describe_topics(self) -> list[dict[str, Any]]:
        return [{"topic": "leads", "partitions": [{"replicas": [1, 2, 3], "leader": 1}]}]

    async def describe_configs(self, resources: list[Any]) -> list[SimpleNamespace]:
        assert [one.name for one in resources] == ["leads"]
        self.left -= 1
        known = (0, "", 2, "leads", [("min.insync.replicas", "2", False, 1)])
        unknown: tuple[Any, ...] = (UNKNOWN_TOPIC, "", 2, "leads", [])
        return [SimpleNamespace(resources=[unknown if self.left > 0 else known])]


async def test_a_topic_that_one_of_them_does_not_know_yet_is_missing() -> None:
    brokers: Any = Brokers(2)
    assert [one.actual for one in await _differences(brokers, [LAYOUT])] == [MISSING]
    assert await _differences(brokers, [LAYOUT]) == []


async def test_who_made_it_waits_until_they_do() -> None:
    brokers: Any = Brokers(4)
    assert await _settled(brokers, [LAYOUT], {"leads"}) == []
    assert brokers.left == 0
