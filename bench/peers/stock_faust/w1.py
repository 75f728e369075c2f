"""W1 on stock Faust, tuned: at least once, RocksDB through rocksdict, raw bytes, long fetches, uvloop."""

import os
from collections.abc import AsyncIterator
from typing import Any

import faust

from bench.peers import w1join

ENV = os.environ
PARTITIONS = int(ENV["BENCH_PARTITIONS"])

app = faust.App(
    ENV["BENCH_APP"],
    broker=f"kafka://{ENV['BENCH_BOOTSTRAP']}",
    datadir=ENV["BENCH_STATE"],
    store="rocksdb://",
    processing_guarantee="at_least_once",
    key_serializer="raw",
    value_serializer="raw",
    topic_partitions=PARTITIONS,
    topic_replication_factor=1,
    topic_allow_declare=False,
    topic_disable_leader=True,
    consumer_auto_offset_reset="earliest",
    consumer_max_fetch_size=1 << 20,
    table_standby_replicas=0,
    stream_wait_empty=True,
    stream_recovery_delay=0.0,
    stream_buffer_maxsize=50_000,
    broker_commit_interval=1.0,
    broker_session_timeout=20.0,
    broker_heartbeat_interval=3.0,
    broker_request_timeout=60.0,
    broker_max_poll_records=5_000,
    producer_linger=0.02,
    producer_acks=-1,
    producer_request_timeout=60.0,
    producer_compression_type="snappy",
    web_enabled=False,
)
deferred = app.topic(ENV["BENCH_DEFERRED"], key_type=bytes, value_type=bytes)
qualified = app.topic(ENV["BENCH_QUALIFIED"], key_type=bytes, value_type=bytes)
leads = app.topic(ENV["BENCH_LEADS"], key_type=bytes, value_type=bytes)
customers = app.Table(
    "customers",
    partitions=PARTITIONS,
    key_type=bytes,
    value_type=bytes,
    options={"block_cache_size": 32 << 20, "write_buffer_size": 8 << 20},
)


async def _apply(event: Any, is_deferred: bool) -> None:
    state, lead = w1join.apply(customers.get(event.key), is_deferred, event.value)
    if state is not None:
        customers[event.key] = state
    if lead is not None:
        await leads.send(key=event.key, value=lead)


@app.agent(deferred)  # type: ignore[untyped-decorator]
async def on_deferred(stream: Any) -> AsyncIterator[None]:
    async for event in stream.events():
        await _apply(event, True)
        yield


@app.agent(qualified)  # type: ignore[untyped-decorator]
async def on_qualified(stream: Any) -> AsyncIterator[None]:
    async for event in stream.events():
        await _apply(event, False)
        yield


if __name__ == "__main__":
    import sys

    sys.argv[1:] = ["--loop", "uvloop", "worker", "--loglevel", "warn", "--without-web"]
    app.main()
