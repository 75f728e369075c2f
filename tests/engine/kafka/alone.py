"""An app without a broker: its consumer is in a generation, and its thread only keeps what it is told."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import TopicPartition

from processors.engine.kafka.consumer import BatchConsumer
from tests.engine.toys import Names

AHEAD = 100
GENERATION = 7
TP = TopicPartition(Names("t.")("a"), 0)


class Alone(BatchConsumer):
    """In its generation, with a thread that only keeps what it is told."""

    generation = GENERATION
    flow_active = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.granted: list[int] = []
        self.sought = asyncio.Queue[Mapping[TopicPartition, int]]()
        self.troubles = 0
        self._thread.grant = self.granted.append
        self._thread._consumer = self  # whose methods `call` stands in for
        self.beginning_offsets = None

    async def call(self, method: Any, *args: Any) -> dict[TopicPartition, int]:  # noqa: ARG002
        """The beginnings of the logs."""
        if self.troubles:
            self.troubles -= 1
            raise KafkaConnectionError("no leader")
        (partitions,) = args
        return dict.fromkeys(partitions, 0)

    async def go_on_at(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.sought.put_nowait(offsets)
