"""Servers of a test's own that go away and come back."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.kafka import LocalKafka
from deploy.local.server import LocalServer
from processors.kafka.connection import KafkaRefused, NoBroker
from processors.kafka.topics import create_topics
from processors.settings import Settings
from processors.worker.run import layouts_of
from tests.conftest import eventually


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """One that may be stopped. For modules that import it."""
    with LocalKafka(tmp_path_factory.mktemp("kafka")) as kafka:
        yield kafka


def with_topics(settings: Settings) -> Settings:
    """The same, once all of its topics are there."""

    def created() -> bool:
        """Not by a broker that has only just come back."""
        try:
            return not asyncio.run(create_topics(settings, layouts_of(settings))).differences
        except (NoBroker, KafkaRefused):
            return False

    eventually(created, 60)
    return settings


def stop(server: LocalServer) -> Callable[[], None]:
    """In good order. How it comes back, as of the others."""
    server.stop()
    return server.start


def kill(server: LocalServer) -> Callable[[], None]:
    """As the kernel's out-of-memory killer does it."""
    server.kill()
    return server.start


def freeze(server: LocalServer) -> Callable[[], None]:
    """It takes connections and answers nothing. Returns when none of its threads runs any more."""
    pid = server.pid

    def stands() -> bool:
        told = (one.read_text() for one in Path(f"/proc/{pid}/task").glob("*/stat"))
        return {one.rpartition(")")[2].split()[0] for one in told} == {"T"}

    os.kill(pid, signal.SIGSTOP)
    eventually(stands)
    return lambda: os.kill(pid, signal.SIGCONT)
