import asyncio
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError
from aiokafka.structs import OffsetAndMetadata
from hypothesis import given
from hypothesis import strategies as st

from processors.kafka.connection import NoBroker
from processors.kafka.connection.failures import NotAuthorised
from processors.settings import Settings
from processors.sink.batch import Batch
from processors.sink.broker_time import BrokerTime
from processors.sink.loop import Sink
from processors.sink.rows import last_wins
from processors.sink.tables import by_topic
from tests.sink.records import T0, click, customer, record

PLACE = TopicPartition("customers", 0)


def stamped(*times: int, start: int = 0) -> list[ConsumerRecord]:
    return [record("customers", b"", offset=start + place, at_ms=time) for place, time in enumerate(times)]


def versions(times: BrokerTime, records: list[ConsumerRecord]) -> list[int]:
    return [last_wins(one) for one in times.steady(PLACE, records)]


@given(
    st.lists(st.integers(T0 - 9, T0 + 9), min_size=1, max_size=12),
    st.integers(0, 12),
    st.integers(0, 1 << 23),
)
def test_the_later_record_has_the_greater_version_also_after_a_restart(
    clock: list[int], cut: int, start: int
) -> None:
    records = stamped(*clock, start=start)
    in_one_go = versions(BrokerTime(), records)
    assert in_one_go == sorted(set(in_one_go))
    cut = min(cut, len(records))
    before, after = BrokerTime(), BrokerTime()
    found = versions(before, records[:cut])
    after.resume(PLACE, start + cut if cut else -1, before.metadata(PLACE) if cut else "")
    found += versions(after, records[cut:])
    assert found == in_one_go


def test_the_low_bits_of_the_offset_begin_anew_while_the_clock_is_behind() -> None:
    ahead, *behind = stamped(T0 + 60_000, T0, T0 + 1, start=(1 << 22) - 2)
    found = versions(BrokerTime(), [ahead, *behind])
    assert found == sorted(set(found))


def test_what_was_read_before_counts_as_it_says() -> None:
    """A batch that was fetched before the partition came back: nothing later may lose against it."""
    times = BrokerTime()
    times.resume(PLACE, 100, f"time={T0 + 50}")
    [old] = times.steady(PLACE, stamped(T0, start=7))
    assert old.timestamp == T0
    assert times.metadata(PLACE) == f"time={T0 + 50}"


def test_commits_of_others_say_nothing() -> None:
    for metadata in ("", "time=", "time=x", "1790000000000", "time=-5"):
        times = BrokerTime()
        times.resume(PLACE, 1, metadata)
        assert [one.timestamp for one in times.steady(PLACE, stamped(T0, start=1))] == [T0]


def test_the_time_of_a_click_is_its_producers() -> None:
    tables = by_topic(str)
    batch, place = Batch(), TopicPartition("clicks", 0)
    batch.add(
        place, tables["clicks"], [record("clicks", click("a", None), offset=n, at_ms=T0 - n) for n in (0, 1)]
    )
    [clicks] = batch.tables.values()
    assert [row[2] for row in clicks.rows] == [T0, T0 - 1]
    assert batch.metadata == {}


async def test_a_rebalance_within_a_batch_forgets_nothing_of_the_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def committed(*_: Any) -> dict[TopicPartition, OffsetAndMetadata]:
        return {PLACE: OffsetAndMetadata(3, f"time={T0}")}

    monkeypatch.setattr("processors.sink.loop.committed_offsets", committed)
    sink = Sink(Settings(), None, asyncio.Event())  # type: ignore[arg-type]
    batch = Batch(times=sink._times)
    for offset, at_ms in ((3, T0 + 300), (4, T0 + 100)):
        fetched = {PLACE: [record("customers", customer("c"), offset=offset, at_ms=at_ms)]}
        await sink._know_the_time_of(fetched, batch)
        batch.add_all(fetched, by_topic(str))
        sink._times.forget()
    first, second = (row[-1] for row in batch.tables["customers_raw"].rows)
    assert first < second
    assert batch.metadata == {PLACE: f"time={T0 + 300}"}
    await sink._rejects.stop()
    await sink._consumer.stop()


async def test_a_group_that_it_may_not_see_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def committed(*_: Any) -> Any:
        cause = GroupAuthorizationFailedError("Unable to get coordinator id for leadstream-sink")
        raise NotAuthorised("consumer group leadstream-sink") from cause

    monkeypatch.setattr("processors.sink.loop.committed_offsets", committed)
    sink = Sink(Settings(), None, asyncio.Event())  # type: ignore[arg-type]
    fetched = {PLACE: [record("customers", customer("c"), offset=3, at_ms=T0)]}
    with pytest.raises(NotAuthorised, match=r"for consumer group leadstream-sink$"):
        await sink._know_the_time_of(fetched, Batch(times=sink._times))
    await sink._rejects.stop()
    await sink._consumer.stop()


async def test_what_was_committed_is_asked_for_until_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Exception | dict[TopicPartition, OffsetAndMetadata]] = [
        NoBroker("no coordinator"),
        {PLACE: OffsetAndMetadata(3, f"time={T0 + 300}")},
    ]

    async def committed(*_: Any) -> dict[TopicPartition, OffsetAndMetadata]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("processors.sink.loop.committed_offsets", committed)
    monkeypatch.setattr("processors.sink.loop._RETRY_S", 0.0)
    sink = Sink(Settings(), None, asyncio.Event())  # type: ignore[arg-type]
    batch = Batch(times=sink._times)
    fetched = {PLACE: [record("customers", customer("c"), offset=3, at_ms=T0 + 100)]}
    await sink._know_the_time_of(fetched, batch)
    assert answers == []
    batch.add_all(fetched, by_topic(str))
    assert batch.metadata == {PLACE: f"time={T0 + 300}"}
    await sink._rejects.stop()
    await sink._consumer.stop()
