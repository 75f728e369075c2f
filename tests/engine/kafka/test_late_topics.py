"""A broker that hears of the topics only after the group has met."""

import asyncio
from pathlib import Path

import pytest

from tests.engine.harness import Site
from tests.engine.sides import OnKafka, eventually, on_kafka, only_played

pytestmark = pytest.mark.integration


async def test_a_topic_that_comes_after_the_group_is_noticed(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = only_played(monkeypatch)
    async with on_kafka(site, tmp_path, ("out", "dead", "first-changelog", "second-changelog")) as side:
        joining = asyncio.create_task(side.join())
        await eventually(lambda: without_work(side))
        site.create("a", "b", "mid")
        await joining
    assert deaths == []


def without_work(side: OnKafka) -> bool:
    """In a generation of the group that has nothing to give."""
    return [(group.generation > 0, len(group.sources())) for group in side.groups] == [(True, 0)]
