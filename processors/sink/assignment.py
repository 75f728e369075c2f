"""Partitions that come and go."""

from collections.abc import Collection

from aiokafka import ConsumerRebalanceListener, TopicPartition

from processors.sink.broker_time import BrokerTime


class Reassigned(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka's are untyped
    """Partitions have come or gone."""

    def __init__(self, times: BrokerTime) -> None:
        self._times = times

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002
        """They may come back when another sink has gone on with them."""
        self._times.forget()

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:  # noqa: ARG002
        """They go on where they were committed."""
        self._times.forget()
