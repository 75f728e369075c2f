"""W1 on bytewax: state in its SQLite recovery store, epochs of one second."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig
from bytewax.run import cli_main

from bench.peers import w1join

ENV = os.environ
RECOVERY = Path(ENV["BENCH_STATE"]) / "recovery"
Event = tuple[bool, bytes]


def join(state: bytes | None, event: Event) -> tuple[bytes | None, list[bytes]]:
    after, lead = w1join.apply(state, *event)
    return after or state, [] if lead is None else [lead]


def flow() -> Dataflow:
    brokers = [ENV["BENCH_BOOTSTRAP"]]
    flow = Dataflow("w1")
    streams = []
    for name, is_deferred in (("BENCH_DEFERRED", True), ("BENCH_QUALIFIED", False)):
        kafka = kop.input(
            f"in-{name}", flow, brokers=brokers, topics=[ENV[name]], batch_size=1_000, tail=True
        )
        op.raises(f"errors-{name}", kafka.errs)
        streams.append(op.map(f"keyed-{name}", kafka.oks, _keyed(is_deferred)))
    leads = op.stateful_flat_map("join", op.merge("both", *streams), join)
    messages = op.map("messages", leads, lambda pair: KafkaSinkMessage(pair[0].encode(), pair[1]))
    kop.output(
        "out",
        messages,
        brokers=brokers,
        topic=ENV["BENCH_LEADS"],
        add_config={"linger.ms": "20", "compression.type": "lz4"},
    )
    return flow


def _keyed(is_deferred: bool) -> Any:
    return lambda message: (message.key.decode(), (is_deferred, message.value))


if __name__ == "__main__":
    if not RECOVERY.exists():
        RECOVERY.mkdir()
        subprocess.run([sys.executable, "-P", "-m", "bytewax.recovery", str(RECOVERY), "1"], check=True)
    cli_main(
        flow(),
        epoch_interval=timedelta(seconds=1),
        recovery_config=RecoveryConfig(str(RECOVERY), timedelta(seconds=60)),
    )
