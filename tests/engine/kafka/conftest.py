"""A consumer without a broker."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from processors.engine import EngineSettings, gaps
from processors.engine.kafka.app import create_app
from tests.engine.kafka.alone import AHEAD, GENERATION, TP, Alone
from tests.engine.toys import Names, chain


@pytest.fixture
async def consumer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Alone]:
    """In a generation in which one partition has begun."""
    settings = EngineSettings(
        bootstrap="nowhere:1",
        application_id="t",
        data_dir=tmp_path,
        partitions=4,
        max_batch=AHEAD,
        max_buffer=AHEAD,
    )
    monkeypatch.setattr("processors.engine.kafka.transport.BatchTransport.Consumer", Alone)
    monkeypatch.setattr(gaps, "_RETRY_S", 0.01)
    app = create_app(settings, chain(Names("t.")))
    found = app.consumer
    app.intake.open(GENERATION, {TP: 0})
    yield found
    found._thread.thread_loop.close()
