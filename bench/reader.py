"""Reads a topic as its consumers do, read_committed, in a process of its own, and notes when it saw what.

Run as ``python -m bench.reader BOOTSTRAP PARTITIONS TOPIC OUT [new]``; ``new``: what is there already is
left out. Says ``ready`` on stdout, reads until SIGTERM, then writes OUT: a pickled list of (nanoseconds of
the machine's monotonic clock, value).
"""

import asyncio
import pickle
import signal
import sys
import time
from pathlib import Path

from bench.broker import connected
from processors.garbage import collect_rarely

Seen = list[tuple[int, bytes]]


async def read(bootstrap: str, partitions: int, topic: str, *, new: bool) -> Seen:
    """Everything that came until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    seen: Seen = []
    async with connected(bootstrap, partitions) as broker, broker.reader(topic, from_end=new) as consumer:
        collect_rarely()
        print("ready", flush=True)  # noqa: T201 - the parent waits for it
        while not ended.is_set():
            fetched = await consumer.getmany(timeout_ms=200)
            now = time.monotonic_ns()
            seen += [(now, record.value) for records in fetched.values() for record in records]
    return seen


if __name__ == "__main__":
    found = asyncio.run(read(sys.argv[1], int(sys.argv[2]), sys.argv[3], new=sys.argv[5:] == ["new"]))
    Path(sys.argv[4]).write_bytes(pickle.dumps(found))
