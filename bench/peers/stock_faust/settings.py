"""Faust, tuned: at least once, RocksDB through rocksdict, raw bytes, long fetches."""

import os
from typing import Any

import faust

ENV = os.environ
PARTITIONS = int(ENV["BENCH_PARTITIONS"])


def create_app() -> Any:
    """The application; tables and agents are up to the caller."""
    return faust.App(
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
