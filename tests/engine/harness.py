"""Workers as processes, topics as lists, and the one question: does everything add up?"""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import (
    Consumer,
    ConsumerGroupState,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

from processors.engine.state.rocksdb import PartitionStore, new_cache
from processors.kafka.placement import partition_for
from tests.engine.sums import answers, numbered, up_to
from tests.engine.toys import BUG, POISON, Names

PARTITIONS = 4
#: What :func:`tests.engine.toys.chain` reads and writes.
CHAIN = ("a", "b", "mid", "out", "dead", "first-changelog", "second-changelog")
ROOT = Path(__file__).parents[2]


def eventually(what: str, condition: Callable[[], bool], timeout: float = 120.0) -> None:
    """Block until it holds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not {what} within {timeout} s"
        time.sleep(0.02)


@dataclass
class Worker:
    """One worker slot: its data directory and instance id outlive its processes."""

    name: str
    options: dict[str, Any]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    _log_start: int = 0

    def start(self, **options: Any) -> "Worker":
        self._log_start = len(self.log_text())
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.engine.worker_main", json.dumps({**self.options, **options})],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def frozen(self) -> bool:
        assert self.process is not None
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        return stat.rsplit(")", 1)[1].split()[0] == "T"

    def wait(self, timeout: float = 120.0) -> int:
        """Exit code, negative for a signal."""
        assert self.process is not None
        code = self.process.wait(timeout)
        self.process = None
        return code

    def ready(self) -> "Worker":
        """Wait until this process has its partitions."""
        eventually("ready", lambda: "records restored" in self.log_text()[self._log_start :])
        return self

    def terminate(self) -> int:
        """The orderly stop of a worker that has its partitions."""
        self.ready().signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> int:
        self.signal(signal.SIGKILL)
        return self.wait()

    def stats(self) -> dict[str, float]:
        """Counters as of the last batch."""
        path = Path(self.options["data_dir"]).with_suffix(".stats")
        loaded: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}
        return loaded

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Site:
    """The topics, the group and the workers of one test."""

    def __init__(self, bootstrap: str, prefix: str, directory: Path) -> None:
        self.bootstrap = bootstrap
        self.names = Names(prefix)
        self.workers: list[Worker] = []
        self._directory = directory
        directory.mkdir(exist_ok=True)
        self._admin = AdminClient({"bootstrap.servers": bootstrap})
        self._producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})

    # --- topics

    def create(self, *topics: str, partitions: int = PARTITIONS) -> None:
        """Topics and changelogs (``table-changelog``) of these short names."""
        futures = self._admin.create_topics([NewTopic(self.names(topic), partitions, 1) for topic in topics])
        for future in futures.values():
            future.result()

    def delete(self, topic: str) -> None:
        """Until it is gone."""
        name = self.names(topic)
        self._admin.delete_topics([name])[name].result()
        eventually("gone", lambda: name not in self._admin.list_topics(timeout=10).topics)

    def send(
        self, topic: str, key: str | bytes | None, value: bytes | None, partition: int | None = None
    ) -> None:
        raw = key.encode() if isinstance(key, str) else key
        while True:
            try:
                where = {} if partition is None else {"partition": partition}
                self._producer.produce(self.names(topic), value, key=raw, **where)
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)

    def flush(self) -> None:
        assert self._producer.flush(30) == 0

    def read(self, topic: str, isolation: str = "read_committed") -> list[Any]:
        """All messages now in the topic, in order within a partition."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "reader",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": isolation,
                "fetch.wait.max.ms": 10,
            }
        )
        name = self.names(topic)
        try:
            partitions = consumer.list_topics(name, 10).topics[name].partitions
            consumer.assign([TopicPartition(name, p, 0) for p in partitions])
            left, messages = set(partitions), []
            while left:
                for message in consumer.consume(500, 0.02):
                    if message.error() is None:
                        messages.append(message)
                    else:
                        assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                        left.discard(message.partition())
            return messages
        finally:
            consumer.close()

    @contextmanager
    def undecided(self, topic: str, partition: int) -> Iterator[None]:
        """A transaction with a record in a partition, open until it is aborted in the end."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "transactional.id": f"{self.names('x')}"})
        producer.init_transactions()
        producer.begin_transaction()
        producer.produce(self.names(topic), b"never read", key=b"x", partition=partition)
        producer.flush()
        try:
            yield
        finally:
            producer.abort_transaction()

    def lag(self, *topics: str, partitions: Sequence[int] = range(PARTITIONS)) -> int:
        """What the group has not committed, trailing markers included."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.names.prefix})
        try:
            tps = [TopicPartition(self.names(t), p) for t in topics for p in partitions]
            behind = 0
            for tp in consumer.committed(tps, 10):
                low, high = _watermarks(consumer, tp)
                behind += high - max(low, tp.offset)
            return behind
        finally:
            consumer.close()

    def caught_up(self, *topics: str, timeout: float = 180.0) -> None:
        eventually(f"caught up with {topics}", lambda: self.lag(*topics) == 0, timeout)

    def members(self) -> set[str]:
        """Members of the group; empty while it rebalances."""
        group = self.names.prefix
        described = self._admin.describe_consumer_groups([group])[group].result()
        settled = described.state == ConsumerGroupState.STABLE
        return {member.member_id for member in described.members} if settled else set()

    # --- workers

    def worker(self, job: str = "chain", static: bool = True, **options: Any) -> Worker:
        """A new slot, not started."""
        name = f"w{len(self.workers)}"
        worker = Worker(
            name,
            {
                "bootstrap": self.bootstrap,
                "prefix": self.names.prefix,
                "partitions": PARTITIONS,
                "data_dir": str(self._directory / name),
                "job": job,
                "instance_id": name if static else None,
                **options,
            },
            self._directory / f"{name}.log",
        )
        self.workers.append(worker)
        return worker

    def stop_all(self) -> None:
        for worker in self.workers:
            if worker.process is not None:
                worker.process.kill()
                worker.process.wait()
                worker.process = None

    def logs(self) -> str:
        return "\n".join(f"== {worker.name}\n{worker.log_text()[-6000:]}" for worker in self.workers)

    # --- the chain of counters

    def create_chain(self) -> None:
        self.create(*CHAIN)

    def load_chain(self, events: int, groups: int = 97) -> None:
        """Records for both sources, in a fixed pattern."""
        for i in range(events):
            group = f"g{i * 7 % groups}"
            if i % 3:
                key = f"{group}.{i % 5}"
                self.send("a", key, json.dumps({"key": key, "id": i}).encode())
            else:
                self.send("b", group, json.dumps({"key": group, "id": i}).encode())
        self.flush()

    def check_chain(self) -> None:
        """Outputs, changelogs and stores against a recomputation from the input topics."""
        first = Counter(_key(m) for m in self.read("a") if _usable(m))
        mid = answers(m.value() for m in self.read("mid"))
        assert mid == numbered(first, lambda key: key.split(".")[0])
        second = Counter(key.split(".")[0] for key in first.elements())
        second.update(_key(m) for m in self.read("b") if _usable(m))
        assert answers(m.value() for m in self.read("out")) == numbered(second, lambda key: key)
        self.check_table("first", {key.encode(): b"%d" % n for key, n in first.items()})
        self.check_table("second", {key.encode(): b"%d" % n for key, n in second.items()})

    def check_table(self, table: str, states: dict[bytes, bytes]) -> None:
        """Changelog, and every store of every worker as the exact prefix of it that its position says."""
        log: dict[int, list[tuple[int, bytes, bytes | None]]] = {p: [] for p in range(PARTITIONS)}
        for m in self.read(f"{table}-changelog"):
            log[m.partition()].append((m.offset(), m.key(), m.value()))
            assert m.partition() == partition_for(m.key(), PARTITIONS)
        merged = {key: value for p in log for key, value in up_to(log[p], None).items()}
        assert merged == states, f"changelog of {table} differs from the recomputation"
        owners: Counter[int] = Counter()
        for worker in self.workers:
            for p in range(PARTITIONS):
                path = Path(worker.options["data_dir"]) / "state" / f"{table}-{p}"
                if path.exists():
                    store = PartitionStore(path, new_cache(), int(time.time() * 1000))
                    assert dict(store.states()) == up_to(log[p], store.position), (worker.name, table, p)
                    owners[p] += not log[p] or store.position == log[p][-1][0]
                    store.close()
        if any(worker.options.get("state") != "memory" for worker in self.workers):
            assert set(owners.elements()) == set(range(PARTITIONS)), (
                f"no current store of {table} for some partition"
            )


def _watermarks(consumer: Consumer, tp: TopicPartition) -> tuple[int, int]:
    """Of a topic that was made a moment ago, the broker may not know yet that it leads the partition."""
    found: list[tuple[int, int]] = []

    def answered() -> bool:
        try:
            found.append(consumer.get_watermark_offsets(tp, 10))
        except KafkaException as error:
            if error.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION:
                raise
        return bool(found)

    eventually(f"{tp.topic} led", answered)
    return found[0]


def _usable(message: Any) -> bool:
    """Neither refused, nor a bug, nor sent on to where it appears a second time."""
    value = message.value()
    if value is None or value == POISON:
        return False
    document = json.loads(value)
    if document.get("id") == BUG.decode():
        return False
    in_place: bool = (
        message.key() == document["key"].encode()
        and message.partition() == partition_for(message.key(), PARTITIONS)
        and document.get("topic", message.topic()) == message.topic()
    )
    return in_place


def _key(message: Any) -> str:
    key: str = json.loads(message.value())["key"]
    return key


@contextmanager
def site_of(bootstrap: str, prefix: str, directory: Path) -> Iterator[Site]:
    """A site whose processes end with the test."""
    site = Site(bootstrap, prefix, directory)
    try:
        yield site
    finally:
        site.stop_all()
        print(site.logs())  # noqa: T201 - pytest shows it with a failure
