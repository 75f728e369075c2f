"""Partitions that come and go, and what was committed of them."""

from collections.abc import Collection

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import OffsetAndMetadata

from processors.settings import Settings
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


async def committed_by_group(
    settings: Settings, places: list[TopicPartition]
) -> dict[TopicPartition, OffsetAndMetadata]:
    """With the metadata, of which a consumer does not tell. Raises aiokafka's errors, which may pass."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    try:
        await admin.start()
        return await admin.list_consumer_group_offsets(  # type: ignore[no-any-return]
            settings.full_sink_group, partitions=places
        )
    finally:
        await admin.close()
