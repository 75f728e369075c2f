"""What a sink says of itself once a minute."""

from aiokafka import TopicPartition

from processors.observability.lag import LagSeconds
from processors.sink.observing import look
from processors.sink.stats import Stats
from schemas.reasons import DeadLetterReason

PLACE = TopicPartition("leads", 0)


def test_a_sink_says_what_it_has_stored_and_what_waits() -> None:
    stats = Stats(records=50, assigned=frozenset([PLACE]), reached_ms={PLACE: 9_000})
    stats.insert_seconds["leads_raw"].add(0.5, 2)
    stats.insert_seconds["clicks_raw"].add(1.0)
    stats.retry("OperationalError")
    stats.rejected(DeadLetterReason.REJECTED_BY_CLICKHOUSE)
    found = look(stats, {PLACE: 3}, LagSeconds(lambda: 10_000))
    assert (found.work, found.times, found.seconds, found.waiting) == (50, 3, 2.0, 3)
    assert found.troubles == {"dead_letters": 1, "retries": 1}
    assert found.now == {"lag": 3, "lag_s": 0.0, "partitions": 1}


def test_a_sink_that_waits_for_clickhouse_says_why() -> None:
    stats = Stats(waiting_because="OperationalError: it is away")
    found = look(stats, {}, LagSeconds(lambda: 0))
    assert found.waiting
    assert found.now["because"] == "OperationalError: it is away"
