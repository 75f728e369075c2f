"""Batches of one partition, life after life of a worker, without a broker."""

from collections.abc import Sequence

from aiokafka.structs import TopicPartition

from processors.engine.batch import Computer
from processors.engine.contiguity import Fetched
from processors.engine.effects import DueEntry, Effects
from processors.engine.inbox import Chunk, Inbox
from processors.engine.records import Record
from processors.engine.settings import Limits
from processors.engine.trouble import Trouble, Troubles
from processors.engine.watch import ProcessorFailed
from tests.engine.test_batch import NOW, PARTITIONS, Toy

START = 10

Taken = tuple[str, int, Sequence[Record]]
"""Topic, partition and records of a chunk."""


class Store:
    """As the engine reads it."""

    def __init__(self, stored: dict[bytes, bytes]) -> None:
        self._stored = stored

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        return [self._stored.get(key) for key in keys]


class Worker:
    """What is committed outlives its processes: :attr:`stored` by partition, and :attr:`metadata`."""

    def __init__(self, limits: Limits | None = None, toy: Toy | None = None) -> None:
        self.stored: dict[int, dict[bytes, bytes]] = {n: {} for n in range(PARTITIONS)}
        self.metadata: dict[TopicPartition, str] = {}
        self.deaths: list[ProcessorFailed] = []
        self.toy = toy or Toy()
        self.troubles = Troubles()
        self._limits = limits or Limits()

    def compute(self, *taken: Taken, due: Sequence[DueEntry] = (), now_ms: int = NOW) -> Effects:
        """As in the engine; raises what it raises."""
        chunks = [
            Chunk(TopicPartition(topic, partition), records, records[-1].offset + 1)
            for topic, partition, records in taken
        ]
        stores = {("toy", partition): Store(stored) for partition, stored in self.stored.items()}
        computer = Computer(PARTITIONS, [self.toy], self._limits)
        return computer.compute(chunks, due, stores, now_ms, 4000, self.troubles)

    def live(self, *taken: Taken, due: Sequence[DueEntry] = (), now_ms: int = NOW) -> Effects | None:
        """One life: the batch is committed, or the worker has died of it (None)."""
        try:
            effects = self.compute(*taken, due=due, now_ms=now_ms)
        except ProcessorFailed as failed:
            self.deaths.append(failed)
            self._commit({failed.tp: failed.trouble})
            self.start()
            return None
        for (_, partition), write in effects.states.items():
            for key, value in write.items.items():
                self.stored[partition].pop(key, None)
                if value is not None:
                    self.stored[partition][key] = value
        self._commit(effects.troubles)
        return effects

    def work(self, topic: str, partition: int, records: Sequence[Record]) -> list[Effects]:
        """What is committed until all of them are, life after life; batches as large as the engine's."""
        tp, done, inbox = TopicPartition(topic, partition), list[Effects](), Inbox()
        at, end = records[0].offset, records[-1].offset + 1
        for _ in range(100):
            if not inbox and at == end:
                return done
            if not inbox:
                inbox.put(Fetched(tp, at, end, [one for one in records if one.offset >= at]))
            taken = inbox.take(4000, self.troubles.suspects)
            effects = self.live(*[(*chunk.tp, chunk.records) for chunk in taken])
            if effects is None:
                inbox.clear()
            else:
                done.append(effects)
                at = taken[-1].next_offset
        raise AssertionError("it never comes to an end")

    def start(self) -> None:
        """A new process."""
        self.troubles = Troubles(self.metadata)

    def states(self, partition: int) -> dict[bytes, bytes]:
        """Dumped states."""
        return {key: value[1:] for key, value in self.stored[partition].items()}

    def _commit(self, changed: dict[TopicPartition, Trouble]) -> None:
        offsets = dict.fromkeys({*self.metadata, *changed}, 0)
        self.metadata = self.troubles.metadata(offsets, changed)
        self.troubles.committed(changed)
