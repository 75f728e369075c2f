"""Leadstream as it runs in production, process by process, against the servers of the test session."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from processors.clickhouse.connection import connect
from processors.engine import partition_for
from processors.kafka.topics import MISSING, create_topics
from processors.rewarding.run import layouts_of
from processors.settings import Settings
from schemas.topics import Topic
from tests.clickhouse.database import template

ROOT: Final = Path(__file__).parents[2]
COMMAND: Final = "processors.cli.main"
INPUTS: Final = (
    Topic.CLICKS,
    Topic.DEFERRED_LEADS,
    Topic.QUALIFICATIONS,
    Topic.PURCHASES,
    Topic.ERASURES,
    Topic.TOUCHES,
    Topic.CLICK_ERASURES,
)
STORED: Final = (
    Topic.CLICKS,
    Topic.LEADS,
    Topic.SALES,
    Topic.CUSTOMERS,
    Topic.UNMATCHED,
    Topic.DEAD_LETTERS,
)


@dataclass
class Service:
    """One process of the system, which can die and come back. ``module``: what Python runs."""

    command: list[str]
    env: dict[str, str]
    log: Path
    program: str = COMMAND
    process: subprocess.Popen[bytes] | None = None
    exits: list[int] = field(default_factory=list)
    _born: int = 0

    def start(self, **env: str) -> None:
        """``env``: for this life only."""
        with self.log.open("ab") as log:
            self._born = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.program, *self.command],
                cwd=ROOT,
                env={**self.env, **env},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def life(self) -> str:
        """What it has logged since it was last started."""
        return self.log.read_bytes()[self._born :].decode(errors="replace") if self.log.exists() else ""

    def is_ready(self) -> bool:
        """A worker that is in its group and has read its state, in this life."""
        return "records restored" in self.life()

    def kill(self) -> None:
        """As the kernel's out-of-memory killer does it."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """As an orchestrator does it; returns the exit code."""
        return self._end(signal.SIGTERM)

    def wait(self, timeout: float = 120) -> int:
        """Until it has ended by itself; returns the exit code, negative for a signal."""
        assert self.process is not None
        self.exits.append(self.process.wait(timeout))
        self.process = None
        return self.exits[-1]

    def send_signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def check_alive(self) -> None:
        assert self.process is not None
        code = self.process.poll()
        assert code is None, f"{self.command} exited with {code}:\n{self.log.read_text()[-4000:]}"

    def _end(self, number: signal.Signals) -> int:
        self.send_signal(number)
        return self.wait()


class Stack:
    """Topics, database and processes of one test, apart from every other test's."""

    #: The module that is run as a worker or a sink.
    program = COMMAND

    def __init__(self, bootstrap: str, clickhouse_url: str, name: str, directory: Path, **env: str) -> None:
        server = clickhouse_url.rsplit("/", 1)[0]
        self.directory = directory
        self.database = name.replace("-", "_")
        self.env = {
            **os.environ,
            "LEADSTREAM_KAFKA_BOOTSTRAP": bootstrap,
            "LEADSTREAM_CLICKHOUSE_URL": f"{server}/{self.database}",
            "LEADSTREAM_TOPIC_PREFIX": f"{name}.",
            "LEADSTREAM_DATA_DIR": str(directory / "data"),
            **env,
        }
        self.settings = Settings.model_validate(
            {
                key.removeprefix("LEADSTREAM_").lower(): value
                for key, value in self.env.items()
                if key.startswith("LEADSTREAM_")
            }
        )
        self.services: list[Service] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for service in self.services:
            if service.process is not None:
                service.kill()

    def run(
        self, *command: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """One command of the tool, to its end."""
        return subprocess.run(
            [sys.executable, "-m", COMMAND, *command],
            cwd=ROOT,
            env={**self.env, **(env or {})},
            input=stdin,
            capture_output=True,
            timeout=120,
            check=False,
        )

    def create(self) -> None:
        """Topics and schema."""
        self.create_topics()
        with closing(connect(self.settings.clickhouse_url.get_secret_value(), database="default")) as admin:
            template(admin).copy(admin, self.database)

    def create_topics(self) -> None:
        """Without ClickHouse."""
        wait_for(self._topics_are_there, 180, lambda: "topics are missing")

    def _topics_are_there(self) -> bool:
        report = asyncio.run(create_topics(self.settings, layouts_of(self.settings)))
        return not any(one.actual == MISSING for one in report.differences)

    def worker(self, name: str, **env: str) -> Service:
        """Started, and from then on watched. ``env``: for its first life only."""
        service = self.service("worker", name)
        service.start(**env)
        return service

    def sink(self, **env: str) -> Service:
        """Started, and from then on watched. ``env``: for its first life only."""
        service = self.service("sink", "sink")
        service.start(**env)
        return service

    def service(self, command: str, name: str) -> Service:
        """One that is not started yet. Its name is its instance, and a worker's data directory."""
        env = {
            **self.env,
            "LEADSTREAM_INSTANCE_ID": name,
            "LEADSTREAM_DATA_DIR": str(self.directory / name),
        }
        service = Service(command.split(), env, self.directory / f"{name}.log", self.program)
        self.services.append(service)
        return service

    def producer(self) -> Producer:
        return Producer({"bootstrap.servers": self.settings.kafka_bootstrap, "linger.ms": 5, "log_level": 0})

    def send(self, producer: Producer, topic: Topic, key: bytes | None, value: bytes | None) -> None:
        """To the partition of its key: what is misplaced is so by its key."""
        place = {} if key is None else {"partition": partition_for(key, self.settings.partitions)}
        while True:
            try:
                producer.produce(self.settings.topic(topic), value, key=key, **place)
            except BufferError:
                producer.poll(0.1)
            else:
                producer.poll(0)
                return

    def read(self, topic: Topic, *, committed: bool = True) -> Iterator[Message]:
        """Every committed record of a topic, from the beginning to the end of now; or every one there is."""
        yield from self.read_topic(self.settings.topic(topic), committed=committed)

    def read_topic(self, name: str, *, committed: bool = True) -> Iterator[Message]:
        """The same for any topic, by its full name."""
        places = [TopicPartition(name, partition, 0) for partition in range(self.settings.partitions)]
        yield from self._records(places, committed=committed)

    def drained(self, group: str, topics: Iterable[Topic]) -> bool:
        """True when a group has committed past the last record. Trailing commit markers are no records."""
        with closing(self._consumer(group)) as consumer:
            asked = [
                TopicPartition(self.settings.topic(topic), partition)
                for topic in topics
                for partition in range(self.settings.partitions)
            ]
            try:
                committed = consumer.committed(asked, timeout=20)
            except KafkaException:
                return False  # the group's coordinator is only just being found
        places = [TopicPartition(one.topic, one.partition, max(one.offset, 0)) for one in committed]
        return next(self._records(places), None) is None

    def wait_until_processed(self, timeout: float = 180) -> None:
        """Everything sent so far has gone through the workers and the sink."""

        def processed() -> bool:
            for service in self.services:
                if service.process is not None:
                    service.check_alive()
            return self.drained(self.settings.worker_group, INPUTS) and self.drained(
                self.settings.full_sink_group, STORED
            )

        wait_for(processed, timeout, lambda: "the workers or the sink did not catch up", pause=0.5)

    def _consumer(self, group: str, *, committed: bool = True) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self.settings.kafka_bootstrap,
                "group.id": group,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed" if committed else "read_uncommitted",
                "auto.offset.reset": "earliest",
                # An end is only seen when the broker has waited in vain.
                "fetch.wait.max.ms": 10,
            }
        )

    def _records(self, places: list[TopicPartition], *, committed: bool = True) -> Iterator[Message]:
        with closing(self._consumer("reader", committed=committed)) as consumer:
            consumer.assign(places)
            left = {(place.topic, place.partition) for place in places}
            deadline = time.monotonic() + 120
            while left:
                for message in consumer.consume(2000, 0.1):
                    place, error = (message.topic(), message.partition()), message.error()
                    if place not in left:
                        continue  # written after the end was reached, which is then reached once more
                    if error is None:
                        yield message
                    elif error.code() == KafkaError._PARTITION_EOF:
                        left.remove(place)
                    else:
                        raise AssertionError(str(error))
                assert time.monotonic() < deadline, f"no end of {_standing(consumer, left)}"


def _standing(consumer: Consumer, places: Iterable[tuple[str, int]]) -> str:
    """Where a reader stands in partitions that do not end for it."""
    asked = [TopicPartition(*place) for place in sorted(places)]
    return ", ".join(
        f"{one.topic}-{one.partition} at {one.offset} of {consumer.get_watermark_offsets(one, timeout=10)}"
        for one in consumer.position(asked)
    )


def wait_for(
    condition: Callable[[], bool], timeout: float, complaint: Callable[[], str], *, pause: float = 0.2
) -> None:
    """Poll until the condition holds; fail with the complaint when it never does."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, complaint()
        time.sleep(pause)
