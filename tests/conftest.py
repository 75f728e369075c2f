"""The real servers, one of each per test session, for every test that asks for them."""

import signal
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka

# Not in a conftest further down: the process that shares out the tests among others collects none itself.
pytest_plugins = ["tests.faults.table", "tests.sharing_out"]

# A shell that starts us in the background has us ignore SIGINT, nohup SIGHUP, and with us every process that
# we start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# How long an example takes is the machine's business.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def eventually(condition: Callable[[], bool], timeout: float = 10.0) -> None:
    """Block until ``condition()`` holds; fail the test when it does not within ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"still not so after {timeout} s"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A running Kafka, shared: choose topic and group names of your own, and leave it running."""
    with LocalKafka(tmp_path_factory.mktemp("kafka")) as server:
        yield server


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalClickHouse]:
    """A running ClickHouse, shared: work in a database of your own, and leave it running."""
    with LocalClickHouse(tmp_path_factory.mktemp("clickhouse")) as server:
        yield server
