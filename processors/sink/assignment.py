"""Partitions that come and go."""

import logging
from collections.abc import Collection

from aiokafka import ConsumerRebalanceListener, TopicPartition

from processors.kafka.placement import in_words
from processors.sink.broker_time import BrokerTime
from processors.sink.stats import Stats

log = logging.getLogger(__name__)


class Reassigned(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka's are untyped
    """Partitions have come or gone."""

    def __init__(self, times: BrokerTime, stats: Stats) -> None:
        self._times = times
        self._stats = stats

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002
        """They may come back when another sink has gone on with them."""
        self._times.forget()
        self._stats.assigned = None

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """They go on where they were committed."""
        self._times.forget()
        self._stats.assigned = frozenset(assigned)
        self._stats.rebalances += 1
        numbers = in_words(place.partition for place in assigned)
        log.info("partitions assigned", extra={"partitions": len(assigned), "assigned": numbers})
