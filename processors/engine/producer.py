"""What the engine asks of a producer: :class:`Producer`."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from processors.engine.group import GroupMember

Fields = tuple[bytes | None, bytes | None, list[tuple[str, bytes]], int]
"""Key, value, headers and timestamp (epoch milliseconds) of a record."""


class FencedGeneration(KafkaError):  # type: ignore[misc]
    """The coordinator refused our (member, generation): abort; the events belong to somebody else."""


class Producer(Protocol):
    """One transaction after the other: ``begin``, ``add``, ``send``, ``commit_offsets``, ``commit``, each
    once and in this order.

    Each request is repeated until it is answered: what bounds that is the caller's deadline. After
    :class:`FencedGeneration` the only legal call is ``abort``. After anything else (``ProducerFenced`` when
    the broker has aborted the transaction, or another process has our name; ``KafkaError`` for what no
    repetition mends) the producer is not usable: let the process die, its successor aborts what is open.
    """

    def begin(self, member: GroupMember) -> None:
        """A transaction whose offsets will be committed on behalf of ``member``. Local."""

    async def add(self, partitions: Collection[TopicPartition]) -> None:
        """Open it: the group, and these partitions, will be part of it."""

    async def send(self, records: Mapping[TopicPartition, Sequence[Fields]]) -> dict[TopicPartition, int]:
        """Produce to partitions that were added; the offset of the last record of each, once all are
        acknowledged.
        """

    async def commit_offsets(
        self, offsets: Mapping[TopicPartition, int], metadata: Mapping[TopicPartition, str] | None = None
    ) -> None:
        """Next offsets to read; without metadata if that is too large. Raises :class:`FencedGeneration`."""

    async def commit(self) -> None:
        """End it: records and offsets are there, for whoever reads what is committed, once this returns."""

    async def abort(self) -> None:
        """End it: no record and no offset of it is ever read."""
