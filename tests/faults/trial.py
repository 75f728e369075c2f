"""One run of a scenario: processes, traffic, faults, and in the end a verdict. Of workers; of other processes
of the engine it is what their own kind of trial says (:mod:`tests.faults.ledger`).
"""

import json
import random
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, TypeVar

from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from processors.clock import epoch_ms
from schemas.topics import Topic
from tests.faults.process import Fault, stats_file
from tests.faults.state import judge_state, open_transactions
from tests.faults.traffic import Event, Load, Watch
from tests.faults.verdict import Verdict
from tests.integration.judgement import FOREIGN_KEY, Findings, judge_clickhouse, judge_topics, truth_of
from tests.integration.stack import INPUTS, STORED, Service, Stack, wait_for

READY_S = 180.0
#: Share of the traffic that is sent to see that everything works.
_WARM_UP = 0.05
#: Exit codes after which an orchestrator starts a process again: no server, or a guard that tripped.
START_AGAIN = (69, 70)


class FaultStack(Stack):
    """Processes that a :class:`.process.Fault` can be given to."""

    program = "tests.faults.process"


class Trial:
    """Use as ``with trial_of(...) as trial``: start processes, ``begin``, do harm, ``conclude``."""

    #: Of the processes that are harmed.
    command: ClassVar = "worker"
    inputs: ClassVar[Sequence[Topic]] = INPUTS
    #: A topic of theirs that never stands still under traffic.
    watched: ClassVar = Topic.CUSTOMERS

    def __init__(self, scenario: str, seed: int, stack: FaultStack, events: Sequence[Event]) -> None:
        self.scenario = scenario
        self.seed = seed
        self.stack = stack
        self.dice = random.Random(seed)
        self.faults = 0
        self.recoveries: list[float] = []
        self.notes: list[str] = []
        self.events = events
        self.load: Load | None = None
        self.watch = Watch(stack, self.watched)
        self._supervised = False
        #: Ids of leads that ClickHouse is made to refuse.
        self.refused: set[str] = set()
        #: Records in ``leads`` that no worker wrote.
        self._foreign = 0

    # --- processes

    @property
    def group(self) -> str:
        """Of the processes that are harmed."""
        return self.stack.settings.worker_group

    def create(self) -> None:
        """All that has to be there before the first process."""
        self.stack.create()

    def worker(self, name: str, fault: Fault | None = None) -> Service:
        """One of the processes that are harmed, started."""
        service = self.stack.service(self.command, name)
        service.start(**env_of(fault))
        return service

    def workers(self, count: int, fault: Fault | None = None) -> list[Service]:
        """Named worker-0, worker-1, ..., and ready."""
        started = [self.worker(f"worker-{n}", fault) for n in range(count)]
        for worker in started:
            self.ready(worker)
        return started

    def ready(self, worker: Service) -> None:
        """It is in its group and has read its state (in this life)."""
        wait_for(
            lambda: self._alive() and worker.is_ready(),
            READY_S,
            lambda: f"worker not ready:\n{worker.life()[-3000:]}",
        )

    def restart(self, service: Service, fault: Fault | None = None) -> None:
        service.start(**env_of(fault))

    def stats(self, worker: Service) -> dict[str, float]:
        """Its counters as of its last batch; empty before the first batch of this life."""
        path = stats_file(Path(worker.env["LEADSTREAM_DATA_DIR"]))
        if worker.process is None or not path.exists():
            return {}
        found: dict[str, float] = json.loads(path.read_text())
        return found if found["pid"] == worker.process.pid else {}

    def at_work(self, worker: Service, timeout: float = READY_S) -> None:
        """It has committed a batch in this life."""
        wait_for(
            lambda: self._alive() and bool(self.stats(worker)),
            timeout,
            lambda: f"no batch:\n{worker.life()[-3000:]}",
            pause=0.02,
        )

    def stop_in_any_state(self, service: Service) -> None:
        """Perhaps before it has begun."""
        assert service.stop() in (0, -signal.SIGTERM), service.life()[-3000:]

    # --- a run

    def begin(self, per_second: int) -> Load:
        """Traffic starts, and so does the stop-watch."""
        self.watch.start()
        self.load = Load(self.stack, self.events, per_second)
        # However long the start takes: what is sent by then is not there when the faults come.
        self.load.gate(_WARM_UP)
        self.load.start()
        wait_for(lambda: self.watch.read > 0, READY_S, lambda: "nothing comes out")
        settings = self.stack.settings
        if any(service.command == ["sink"] for service in self._running()):
            wait_for(lambda: bool(self.members(settings.full_sink_group)), READY_S, lambda: "no sink")
        self.watch.reset()
        self.load.gate(1.0)
        return self.load

    def send_unreadable_lead(self) -> None:
        """To a topic that only workers write to: the sink has to reject it."""
        producer = self.stack.producer()
        self._foreign += 1
        body = b'{"leadId":"unreadable %d"}' % self._foreign
        self.stack.send(producer, Topic.LEADS, FOREIGN_KEY, body)
        assert producer.flush(30) == 0

    def members(self, group: str) -> set[str]:
        """Of a consumer group, while it is settled."""
        admin = AdminClient({"bootstrap.servers": self.stack.settings.kafka_bootstrap})
        try:
            described = admin.describe_consumer_groups([group])[group].result()
        except KafkaException:
            return set()  # its coordinator is only just being found
        settled = described.state == ConsumerGroupState.STABLE
        return {member.member_id for member in described.members} if settled else set()

    def reach(self, share: float) -> None:
        """Wait until so much of the traffic is sent; it goes on meanwhile, up to the gate."""
        load = self.load
        assert load is not None
        goal = int(share * len(self.events))
        wait_for(lambda: load.sent >= goal, 300, lambda: "no traffic", pause=0.01)

    def kill(self, worker: Service, back: Fault | None = None, *, traffic: bool = True) -> None:
        """Kill -9, start again, wait for its first batch; without traffic, until it is ready for one."""
        started = time.monotonic()
        worker.kill()
        assert worker.exits[-1] == -9
        self.faults += 1
        self.restart(worker, back)
        (self.at_work if traffic else self.ready)(worker)
        self.recoveries.append(time.monotonic() - started)

    def flows(self, timeout: float = 120) -> float:
        """Seconds from now until every partition of ``customers`` has had something new."""
        since = time.monotonic()
        partitions, load = self.stack.settings.partitions, self.load
        assert load is not None
        wait_for(
            lambda: self._alive() and self.watch.heard_since(since) == partitions,
            timeout,
            lambda: (
                f"only {self.watch.heard_since(since)} of {partitions} partitions go on,"
                f" {load.sent} of {len(self.events)} events sent"
            ),
            pause=0.05,
        )
        return time.monotonic() - since

    def supervise(self) -> None:
        """From now on start again who asks for it, as an orchestrator does."""
        self._supervised = True

    def let_pass(self, seconds: float) -> None:
        """A fault that lasts."""
        end = time.monotonic() + seconds
        wait_for(lambda: self._alive() and time.monotonic() >= end, seconds + 10, lambda: "time stands still")

    def drain(self, timeout: float = 300) -> float:
        """Until everything sent has gone through the workers, and the sink if there is one; in seconds."""
        started = time.monotonic()
        settings = self.stack.settings
        wait_for(
            lambda: self._alive() and self.stack.drained(self.group, self.inputs),
            timeout,
            lambda: "the workers did not catch up",
        )
        if any(service.command == ["sink"] for service in self._running()):
            wait_for(
                lambda: self._alive() and self.stack.drained(settings.full_sink_group, STORED),
                timeout,
                lambda: "the sink did not catch up",
            )
        return time.monotonic() - started

    def conclude(self) -> Verdict:
        """Let everything through, stop in good order, count. The caller says what the counts should be."""
        if self.load is not None:
            self.load.finish()
        self.drain()
        stall = self.watch.finish() if self.load is not None else None
        for service in self._running():
            assert service.stop() == 0, service.log.read_text()[-3000:]
        return self.count(stall)

    def count(self, stall: float | None = None) -> Verdict:
        """Everything is stopped: hold it against the model."""
        truth = truth_of(self.stack, epoch_ms())
        assert len(truth.outcome.leads) > truth.records / 60, "too few leads to prove anything"
        found = [judge_topics(self.stack, truth), judge_state(self.stack, truth)]
        if any(service.command == ["sink"] for service in self.stack.services):
            found.append(judge_clickhouse(self.stack, self.refused))
        return self.verdict(found, truth.records, stall)

    def verdict(self, found: Sequence[Findings], records: int, stall: float | None) -> Verdict:
        """Of what was found wrong."""
        print(f"{self.scenario}: seed {self.seed}", *filter(None, found), sep="\n")  # noqa: T201
        for place in open_transactions(self.stack):
            self.notes.append(f"open transaction: {place}")
        return Verdict(
            self.scenario,
            self.seed,
            records,
            self.faults,
            _total(found, "lost"),
            _total(found, "unexpected"),
            _total(found, "duplicates"),
            stall,
            max(self.recoveries, default=None),
            "; ".join(self.notes),
        )

    def _running(self) -> list[Service]:
        return [service for service in self.stack.services if service.process is not None]

    def _alive(self) -> bool:
        for service in self._running():
            if self._supervised and service.process is not None and service.process.poll() in START_AGAIN:
                service.wait()
                self.restart(service)
            service.check_alive()
        return True


AnyTrial = TypeVar("AnyTrial", bound=Trial)


def env_of(fault: Fault | None) -> dict[str, str]:
    return {} if fault is None else fault.env()


def _total(found: Sequence[Findings], name: str) -> int:
    return sum(getattr(findings, name).total() for findings in found)


@contextmanager
def trial_of(trial: AnyTrial) -> Iterator[AnyTrial]:
    """What it needs made; whatever happens, no process and no thread stays behind."""
    with trial.stack as stack:
        trial.create()
        try:
            yield trial
        except BaseException:
            for service in stack.services:
                print(f"== {service.log.name}", service.log.read_text()[-5000:], sep="\n")  # noqa: T201
            raise
        finally:
            if trial.load is not None:
                trial.load.give_up()
                trial.watch.finish()
