"""Leadstream's engine on W1: exactly once, RocksDB. Settings as in a worker of the product."""

import os
from collections.abc import Sequence
from pathlib import Path

from bench.peers import w1join
from processors.engine import EngineSettings, Output, Record, Rejected, Unfit
from processors.engine.kafka.app import create_app
from processors.engine.kafka.worker import run
from processors.kafka.connection import KafkaConnection

Fact = w1join.Deferred | w1join.Qualified


class Join:
    """W1 as a processor."""

    table = "customers"
    retention_ms: int | None = None
    inner: frozenset[str] = frozenset()

    def __init__(self, deferred: str, qualified: str, leads: str) -> None:
        self.topics = frozenset({deferred, qualified})
        self.outputs = frozenset({leads})
        self._deferred, self._leads = deferred, leads

    fatal: tuple[type[Exception], ...] = ()

    def refuse(self, record: Record, unfit: Unfit, detail: str) -> Rejected:
        raise RuntimeError(f"{record.topic}, offset {record.offset}: {unfit}: {detail}")

    def parse(self, record: Record, now_ms: int) -> tuple[str, bytes, Fact]:  # noqa: ARG002
        if record.topic == self._deferred:
            return record.topic, record.key, w1join.decode_deferred(record.value)
        return record.topic, record.key, w1join.decode_qualified(record.value)

    def load(self, raw: bytes) -> w1join.State:
        return w1join.decode_state(raw)

    def dump(self, state: w1join.State) -> bytes:
        return w1join.encode(state)

    def due(self, state: w1join.State) -> int | None:  # noqa: ARG002 - nothing waits against the clock
        return None

    def apply(
        self,
        key: bytes,
        state: w1join.State | None,
        fact: Fact,
        now_ms: int,  # noqa: ARG002
    ) -> tuple[w1join.State | None, Sequence[Output]]:
        if isinstance(fact, w1join.Deferred):
            after, lead = w1join.on_deferred(state, fact)
        else:
            after, lead = w1join.on_qualified(state, fact)
        return after, (Output(self._leads, key, lead),) if lead else ()

    def expire(
        self,
        key: bytes,  # noqa: ARG002
        state: w1join.State,
        now_ms: int,  # noqa: ARG002
    ) -> tuple[w1join.State | None, Sequence[Output]]:
        return state, ()


def main() -> None:
    env = os.environ
    settings = EngineSettings(
        connection=KafkaConnection(bootstrap=env["BENCH_BOOTSTRAP"]),
        application_id=env["BENCH_APP"],
        instance_id=env["BENCH_INSTANCE"],
        data_dir=Path(env["BENCH_STATE"]),
        state="memory" if env.get("BENCH_STORE") == "memory" else "rocksdb",
        partitions=int(env["BENCH_PARTITIONS"]),
    )
    app = create_app(settings, [Join(env["BENCH_DEFERRED"], env["BENCH_QUALIFIED"], env["BENCH_LEADS"])])
    run(app)


if __name__ == "__main__":
    main()
