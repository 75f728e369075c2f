"""What a worker says of itself once a minute."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from processors.engine.standing import Standing
from processors.engine.stats import Stats
from processors.observability.lag import LagSeconds
from processors.settings import Settings
from processors.worker.observing import look
from processors.worker.reported import Reported

PLACE = TopicPartition("clicks", 0)


@pytest.mark.parametrize(
    ("restored", "waiting"),
    [pytest.param(8, 5, id="at work"), (3, 0), pytest.param(None, 0, id="a rebalance is under way")],
)
def test_a_worker_says_what_it_has_done_and_what_waits(restored: int | None, waiting: int) -> None:
    stats = Stats(events=70, partitions=8, reached_ms={PLACE: 4_000})
    stats.batch_seconds.add(0.5, 3)
    stats.retry("KafkaConnectionError")
    app: Any = SimpleNamespace(stats=stats, standing=lambda: Standing(restored, {PLACE: 5}, {}))
    found = look(app, Reported(Settings().names), LagSeconds(lambda: 10_000))
    assert (found.work, found.times, found.seconds) == (70, 3, 1.5)
    assert found.waiting == waiting
    assert found.troubles == {"dead_letters": 0, "unmatched": 0, "retries": 1}
    assert found.now == {"lag": 5, "lag_s": 0.0, "partitions": 8, "restored": restored or 0}
