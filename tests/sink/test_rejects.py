"""The sink's own dead letters, and a topic that takes less than it should."""

from typing import Any

import pytest
from aiokafka import ConsumerRecord
from aiokafka.errors import MessageSizeTooLargeError

from processors.settings import Settings
from processors.sink.rejects import Failures, Rejects
from processors.sink.rows import Unreadable
from schemas.dead_letters import cause_of
from schemas.reasons import DeadLetterReason
from tests.sink.records import record


class Topic:
    """Takes records up to a size, and remembers them."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]] = []

    async def send_and_wait(
        self, topic: str, value: bytes | None, key: bytes | None, *, partition: int, headers: Any
    ) -> None:
        assert (topic, partition) == ("dead-letters", 0)
        if len(value or b"") > self.most:
            raise MessageSizeTooLargeError
        self.taken.append((key, value, headers))


async def reject(one: ConsumerRecord, topic: Topic) -> bool:
    rejects = Rejects(Settings())
    await rejects.stop()
    rejects._producer = topic
    return await rejects.send(one, DeadLetterReason.REJECTED_BY_CLICKHOUSE, "no such date")


async def test_what_fits_goes_as_it_came() -> None:
    topic = Topic(1 << 20)
    assert await reject(record("leads", b"{}"), topic)
    assert topic.taken[0][:2] == (b"w:c", b"{}")


async def test_what_the_topic_does_not_take_goes_without_its_value() -> None:
    topic = Topic(1 << 20)
    assert await reject(record("leads", b"x" * (2 << 20)), topic)
    [(_, value, headers)] = topic.taken
    assert value is None
    assert cause_of(headers).value_sha256
    assert "2097152 bytes" in cause_of(headers).detail


def test_a_log_does_not_say_what_a_record_says(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise KeyError("ann@planted.example")
    except KeyError as error:
        Failures(lambda: 0.0).count(record("leads", b"{}"), Unreadable(error))
    [line] = caplog.records
    assert (line.topic, line.error) == ("leads", "KeyError")  # type: ignore[attr-defined]
    assert "planted" not in str(line.__dict__)


def test_a_few_records_an_hour_may_fail_and_no_more() -> None:
    now = 0.0
    failures = Failures(lambda: now)
    bug = Unreadable(KeyError("a bug"))
    for _ in range(10):
        failures.count(record("leads", b"{}"), bug)
        now += 60
    with pytest.raises(Unreadable, match="a bug"):
        failures.count(record("leads", b"{}"), bug)
    now = 3_600.0
    failures.count(record("leads", b"{}"), bug)
