"""What a coordinator says that cannot answer is not taken for an answer."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)
from aiokafka.structs import OffsetAndMetadata

from processors.kafka import groups
from processors.kafka.connection.failures import NotAuthorised
from processors.kafka.groups import described, fetch_offsets

GROUP = "sink"
LOADING, MOVED = GroupLoadInProgressError.errno, NotCoordinatorForGroupError.errno
ROWS = [("leads", [(0, 7, "time=1", 0)])]


class Admin:
    """Answers with these codes, one after the other, and then with what there is."""

    def __init__(self, codes: Sequence[int], *, rows: Any = ROWS, denied: bool = False) -> None:
        self._codes = [*codes]
        self._rows = rows
        self._denied = denied

    async def find_coordinator(self, group: str) -> int:
        if self._denied:
            raise GroupAuthorizationFailedError(f"Unable to get coordinator id for {group}")
        return 1

    async def _send_request(self, _request: Any, node: int) -> Any:
        assert node == 1
        code = self._codes.pop(0) if self._codes else 0
        return SimpleNamespace(error_code=code, topics=[] if code else self._rows)

    async def describe_consumer_groups(self, names: list[str]) -> list[Any]:
        code = self._codes.pop(0) if self._codes else 0
        state, members = ("", []) if code else ("Stable", ["one", "two"])
        return [SimpleNamespace(groups=[(code, *names, state, "consumer", "range", members, -1)])]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(_: float) -> None: ...

    monkeypatch.setattr(asyncio, "sleep", sleep)


async def test_a_coordinator_that_has_just_begun_is_asked_again() -> None:
    """It answers without any offsets: as if the group had never committed."""
    admin: Any = Admin([LOADING, MOVED])
    found = await fetch_offsets(admin, GROUP)
    assert found == {TopicPartition("leads", 0): OffsetAndMetadata(7, "time=1")}


async def test_nor_are_its_members_taken_for_gone() -> None:
    admin: Any = Admin([LOADING, MOVED])
    assert await described(admin, GROUP) == ("Stable", 2)


async def test_it_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_PATIENCE_S", -1.0)
    for ask in (fetch_offsets, described):
        admin: Any = Admin([LOADING])
        with pytest.raises(GroupLoadInProgressError):
            await ask(admin, GROUP)


async def test_an_error_of_one_partition_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_PATIENCE_S", -1.0)
    admin: Any = Admin([], rows=[("leads", [(0, -1, "", MOVED)])])
    with pytest.raises(NotCoordinatorForGroupError):
        await fetch_offsets(admin, GROUP)


async def test_the_group_that_one_may_not_see_is_named() -> None:
    admin: Any = Admin([], denied=True)
    with pytest.raises(NotAuthorised, match=rf"not authorised for consumer group {GROUP}$"):
        await fetch_offsets(admin, GROUP)
