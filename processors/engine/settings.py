"""Everything the engine can be told."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from processors.clock import epoch_ms
from processors.kafka.connection import KafkaConnection

_MIB = 1 << 20
#: What a changelog takes: several times what a processor lets a state come to.
CHANGELOG_BYTES = 32 * _MIB
#: For what is around a value in a batch, and for what compression adds to what it cannot compress.
ROOM_BYTES = 32 << 10


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one record, or a few, may do to a worker."""

    #: Share of rejected ones among :data:`.rejections.SPAN` records above which their partition stands still;
    #: 1: no limit.
    rejected: float = 1.0
    #: What the operator can do about it: a sentence.
    remedy: str = ""
    #: Records, and expiries of states, that are passed over within an hour. More are a bug of the release: it
    #: stops.
    quarantined_an_hour: int = 10
    #: Largest value of an output, largest misplaced record that is sent on, largest state. Below what the
    #: topics take, for what does not compress.
    output_bytes: int = _MIB - ROOM_BYTES
    forward_bytes: int = _MIB - ROOM_BYTES
    state_bytes: int = CHANGELOG_BYTES - ROOM_BYTES


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """Settings of one worker process.

    ``application_id`` is consumer group, Faust app id and prefix of the changelog topics. ``instance_id``
    must be unique among live workers and stable over restarts (a pod's ordinal): with it a restarted worker
    aborts its predecessor's open transaction at once and gets its partitions back without a rebalance.
    Without it a crash stalls readers for ``transaction_timeout_s`` plus the broker's scan interval, and the
    group for ``session_timeout_s``. ``data_dir`` belongs to one process.
    """

    connection: KafkaConnection
    application_id: str
    data_dir: Path
    partitions: int
    instance_id: str | None = None
    #: "memory": nothing of the state is kept on disk, every start reads all of the changelogs.
    state: Literal["rocksdb", "memory"] = "rocksdb"
    session_timeout_s: float = 15.0
    #: Also bounds one batch: half of it, after which the worker exits with code 70.
    rebalance_timeout_s: float = 60.0
    transaction_timeout_s: float = 10.0
    max_batch: int = 4000
    #: Records fetched ahead. Above it nothing more is taken from the fetcher.
    max_buffer: int = 12_000
    #: Under load the broker gathers records for this long before it hands them over; without load never.
    gather_s: float = 0.025
    #: Of what workers alone read, changelogs among it: "snappy", "zstd", "lz4" or None. aiokafka runs lz4 at
    #: its slowest level. What others read is in gzip, the one codec that every client brings along.
    compression: str | None = "snappy"
    clock: Callable[[], int] = epoch_ms
    #: Pause between two rounds of the watermark while something is due, and between two looks for what is
    #: too old.
    expiry_interval_s: float = 1.0
    #: A rebalance, a wait for undecided transactions or a restore without progress longer than this ends
    #: the worker with code 70.
    stall_timeout_s: float = 120.0
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if self.partitions < 1:
            raise ValueError("partitions must be at least 1")
        if self.max_batch < 1 or self.max_buffer < self.max_batch:
            raise ValueError("need 1 <= max_batch <= max_buffer")
        if self.transaction_timeout_s > self.rebalance_timeout_s:
            raise ValueError("transaction_timeout_s must not exceed rebalance_timeout_s")

    @property
    def batch_deadline_s(self) -> float:
        """Longest life of one batch, compute to local store."""
        return 0.5 * self.rebalance_timeout_s

    @property
    def request_timeout_s(self) -> float:
        """Faust wants it to be at least the session timeout."""
        return max(20.0, self.session_timeout_s)
