"""One site per test: topics and a group of its own on the shared broker."""

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.local.kafka import LocalKafka
from processors.engine import EngineSettings, create_app
from processors.engine.expiry import Timekeeper
from processors.engine.generation import Generation
from processors.kafka.connection import KafkaConnection
from tests.engine.alone import AHEAD, GENERATION, TP, Alone
from tests.engine.harness import Site, site_of
from tests.engine.toys import Names, chain

_COUNT = itertools.count()


@pytest.fixture
def site(kafka: LocalKafka, tmp_path: Path) -> Iterator[Site]:
    """Topics, group and workers of one test."""
    with site_of(kafka.bootstrap, f"e{os.getpid()}-{next(_COUNT)}", tmp_path) as made:
        yield made


@pytest.fixture
async def consumer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Alone]:
    """Without a broker, in a generation in which one partition has begun."""
    settings = EngineSettings(
        connection=KafkaConnection(bootstrap="nowhere:1"),
        application_id="t",
        data_dir=tmp_path,
        partitions=4,
        max_batch=AHEAD,
        max_buffer=AHEAD,
    )
    monkeypatch.setattr("processors.engine.transport.BatchTransport.Consumer", Alone)
    monkeypatch.setattr("processors.engine.transport._RETRY_S", 0.01)
    monkeypatch.setattr("processors.engine.loop.Engine.start", lambda _: None)
    app = create_app(settings, chain(Names("t.")))
    found = app.consumer
    time = Timekeeper(settings, app.processors, app.stats, {})
    app.engine.current = Generation(GENERATION, {}, {}, time, {})
    found.contiguity.expect({TP: 0})
    yield found
    found._thread.thread_loop.close()
