"""A real worker, sink or ledger, as a process that can be told to die or freeze at a step, or to have another
clock.

Run as ``python -m tests.faults.process worker|sink|rewards`` with the settings of the product and, in the
variable ``FAULT``, a :class:`Fault` as JSON. All that is different from ``leadstream worker``, ``sink`` and
``rewards run`` is in this file.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from aiokafka import ConsumerRecord

from processors.cli.loading import load_settings
from processors.clock import epoch_ms
from processors.engine import Processor, Stats
from processors.engine.group import GroupMember
from processors.engine.kafka.app import create_app
from processors.engine.kafka.consumer import BatchConsumer
from processors.engine.kafka.worker import run
from processors.engine.steps import Step
from processors.errors import LeadstreamError
from processors.observability.logs import configure_logs
from processors.observability.metrics import REWARDS
from processors.rewarding import observing as rewarding
from processors.rewarding import run as ledger
from processors.rewarding.following import FollowedPolicies
from processors.settings import Settings
from processors.sink import loop, run_sink
from processors.sink import run as sink_module
from processors.sink.batch import Batch, TableBatch
from processors.worker.observing import Observing
from processors.worker.reported import Reported
from processors.worker.run import engine_settings, processors_of
from schemas.reasons import DeadLetterReason

SIGNALS = {"die": signal.SIGKILL, "freeze": signal.SIGSTOP}


class SinkStep(StrEnum):
    """What has just happened in the sink. The comment says what a death at this point leaves behind."""

    GATHERED = "gathered"  # nothing
    INSERTING = "inserting"  # once per table: perhaps rows, in an insert that nobody hears the end of
    INSERTED = "inserted"  # once per table: rows that will come again
    REJECTED = "rejected"  # once per dead letter: it will be sent again
    STORED = "stored"  # everything is stored, no offset has moved
    COMMITTED = "committed"  # nothing


@dataclass(frozen=True)
class Fault:
    """What is wrong with a process. ``nth``: the time of the step ``at`` which it does not survive."""

    at: str | None = None
    nth: int = 1
    action: str = "die"
    #: The clock is ahead by this much.
    skew_ms: int = 0
    #: False: offsets are committed as stock aiokafka does it, on nobody's behalf.
    fenced: bool = True
    transaction_timeout_s: float = 10.0
    #: The longest life of a batch.
    batch_s: float = 30.0
    max_batch: int = 500

    def env(self) -> dict[str, str]:
        """For the process that is to have it."""
        return {"FAULT": json.dumps(asdict(self))}

    def hook(self) -> Callable[[str], None]:
        """Sends us the signal when the step comes for the n-th time."""
        left = self.nth

        def on_step(step: str) -> None:
            nonlocal left
            if step == self.at:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), SIGNALS[self.action])

        return on_step


class SteppingSink(loop.Sink):
    """The sink, telling of its steps."""

    def __init__(self, on_step: Callable[[str], None], *args: Any) -> None:
        super().__init__(*args)
        self._on_step = on_step

    async def _store(self, batch: Batch) -> None:
        self._on_step(SinkStep.GATHERED)
        await super()._store(batch)
        self._on_step(SinkStep.COMMITTED)

    async def _insert(self, batch: TableBatch) -> None:
        insert = asyncio.ensure_future(super()._insert(batch))
        await asyncio.sleep(0)  # the thread has it
        self._on_step(SinkStep.INSERTING)
        await insert
        self._on_step(SinkStep.INSERTED)

    async def _reject(self, record: ConsumerRecord, reason: DeadLetterReason, detail: str) -> None:
        await super()._reject(record, reason, detail)
        self._on_step(SinkStep.REJECTED)

    async def _commit(self, batch: Batch) -> None:
        self._on_step(SinkStep.STORED)
        await super()._commit(batch)


def stats_file(data_dir: Path) -> Path:
    """Where a worker leaves its counters after every batch; ``pid`` says whose they are."""
    return data_dir.with_suffix(".stats")


def work(settings: Settings, fault: Fault) -> None:
    """``leadstream worker``."""
    observing = Observing(settings, Reported(settings.names))
    run_engine(settings.worker_group, processors_of(settings), observing, settings, fault)


def reward(settings: Settings, fault: Fault) -> None:
    """``leadstream rewards run``."""
    policies = FollowedPolicies(settings)
    policies.start()
    reported = rewarding.Reported(settings.ledger_names, policies)
    observing = Observing(settings, reported, REWARDS, "leadstream_rewards_")
    jobs = ledger.processors_of(settings, policies)
    run_engine(settings.rewards_group, jobs, observing, settings, fault)


def run_engine(
    group: str,
    jobs: Sequence[Processor[Any, Any]],
    observing: Observing,
    settings: Settings,
    fault: Fault,
) -> None:
    def clock() -> int:
        return epoch_ms() + fault.skew_ms

    counters = stats_file(settings.data_dir)

    def publish(stats: Stats) -> None:
        new = counters.with_suffix(".new")
        new.write_text(json.dumps({**stats.as_dict(), "pid": os.getpid()}))
        new.replace(counters)

    if not fault.fenced:
        setattr(BatchConsumer, "member", _nobody)  # noqa: B010 - the fence is what is taken away
    engine = replace(
        engine_settings(settings, group),
        clock=clock,
        transaction_timeout_s=fault.transaction_timeout_s,
        rebalance_timeout_s=2 * fault.batch_s,
        max_batch=fault.max_batch,
        max_buffer=4 * fault.max_batch,
    )
    hook = fault.hook()

    def on_step(step: Step) -> None:
        hook(step)

    app = create_app(
        engine,
        jobs,
        on_step=on_step,
        on_batch=publish,
        on_commit=observing.reported.count,
    )
    observing.serve(app)
    run(app)


def _nobody(consumer: BatchConsumer, generation: int) -> GroupMember:
    return GroupMember(consumer.app.settings.application_id, -1, "", None)


def store(settings: Settings, fault: Fault) -> None:
    """``leadstream sink``."""
    setattr(sink_module, "Sink", partial(SteppingSink, fault.hook()))  # noqa: B010
    asyncio.run(run_sink(settings))


def main() -> None:
    settings = load_settings()
    configure_logs(settings, process=settings.instance_id or sys.argv[1])
    process = {"worker": work, "sink": store, "rewards": reward}[sys.argv[1]]
    try:
        process(settings, Fault(**json.loads(os.environ.get("FAULT", "{}"))))
    except LeadstreamError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
