"""A worker of the toy processors, as a process that can be told to die or freeze at a step.

Run as ``python -m tests.engine.worker_main OPTIONS``, a JSON object: see :meth:`.harness.Site.worker`.
"""

import json
import logging
import os
import signal
import sys
from pathlib import Path

from processors.engine import EngineSettings, Limits, Stats
from processors.engine.kafka.app import create_app
from processors.engine.kafka.worker import run
from processors.engine.steps import Step
from processors.kafka.connection import KafkaConnection
from tests.engine.toys import Holder, Names, chain

SIGNALS = {"die": signal.SIGKILL, "freeze": signal.SIGSTOP}


class Fault:
    """Send ourselves a signal at the n-th time of a step."""

    def __init__(self, at: str | None, nth: int, action: str) -> None:
        self._at = Step(at) if at else None
        self._left = nth
        self._signal = SIGNALS[action]

    def __call__(self, step: Step) -> None:
        if step is self._at:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), self._signal)


def main() -> None:
    options = json.loads(sys.argv[1])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    data_dir = Path(options["data_dir"])
    names = Names(options["prefix"])
    settings = EngineSettings(
        connection=KafkaConnection(bootstrap=options["bootstrap"]),
        application_id=options["prefix"],
        instance_id=options.get("instance_id"),
        data_dir=data_dir,
        state=options.get("state", "rocksdb"),
        partitions=options["partitions"],
        session_timeout_s=6.0,
        rebalance_timeout_s=30.0,
        transaction_timeout_s=options.get("transaction_timeout_s", 10.0),
        max_batch=options.get("max_batch", 200),
        max_buffer=options.get("max_buffer", 1000),
        expiry_interval_s=0.2,
        limits=Limits(rejected=options.get("rejected", 1.0), remedy="Ask them."),
    )
    jobs = chain(names) if options["job"] == "chain" else [Holder(names, options["hold_ms"])]
    stats_file = data_dir.with_suffix(".stats")

    most_queued = 0

    def publish(stats: Stats) -> None:
        nonlocal most_queued
        most_queued = max(most_queued, stats.queued)
        found = {**stats.as_dict(), "most_queued": most_queued}
        stats_file.with_suffix(".new").write_text(json.dumps(found))
        stats_file.with_suffix(".new").replace(stats_file)

    fault = Fault(options.get("at"), options.get("nth", 1), options.get("action", "die"))
    run(create_app(settings, jobs, on_step=fault, on_batch=publish))


if __name__ == "__main__":
    main()
