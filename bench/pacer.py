"""Produces events at a fixed rate, whatever becomes of them, in a process of its own.

Run as ``python -m bench.pacer FILE``: a pickled :class:`Pace`. Writes when each event was handed to the
producer (nanoseconds of the machine's monotonic clock) to ``Pace.out``.
"""

import asyncio
import pickle
import sys
import time
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaProducer

from bench.record import Record
from processors.garbage import collect_rarely
from processors.kafka.placement import partition_for

_TICK_S: Final = 0.001


@dataclass(frozen=True)
class Pace:
    """``rate``: events per second. ``names``: the topics' full names by their short ones."""

    bootstrap: str
    partitions: int
    names: Mapping[str, str]
    records: Sequence[Record]
    rate: float
    out: Path

    def sent_ns(self) -> "array[int]":
        """When each event was sent; read after the pacer has ended."""
        times: array[int] = array("q")
        times.frombytes(self.out.read_bytes())
        return times


async def produce(pace: Pace) -> None:
    """Returns when everything is acknowledged. Events that are late are sent at once, in order."""
    producer = AIOKafkaProducer(bootstrap_servers=pace.bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        places = [
            (pace.names[one.topic], partition_for(one.key, pace.partitions), one.key, one.value)
            for one in pace.records
        ]
        collect_rarely()
        sent: array[int] = array("q")
        futures = []
        begin = time.monotonic()
        while len(sent) < len(places):
            due = min(len(places), int((time.monotonic() - begin) * pace.rate) + 1)
            for topic, partition, key, value in places[len(sent) : due]:
                sent.append(time.monotonic_ns())
                futures.append(await producer.send(topic, value, key=key, partition=partition))
            await asyncio.sleep(_TICK_S)
        for future in futures:
            await future
    finally:
        await producer.stop()
    pace.out.write_bytes(sent.tobytes())


if __name__ == "__main__":
    asyncio.run(produce(pickle.loads(Path(sys.argv[1]).read_bytes())))  # noqa: S301 - our own file
