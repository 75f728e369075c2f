"""The workers of a replay belong to the system that is replayed."""

from pathlib import Path

import pytest

from processors.settings.loading import settings_of_environment
from processors.settings.running import running_up
from processors.stack.replaying import Replay, _services
from tests.settings.test_running import living


def test_workers_know_the_system_that_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a data directory of its own, by which it would not find that of `up`."""
    monkeypatch.delenv("LEADSTREAM_KAFKA_BOOTSTRAP", raising=False)
    monkeypatch.setenv("LEADSTREAM_CLICKHOUSE_URL", "http://elsewhere/x")
    monkeypatch.setenv("LEADSTREAM_DATA_DIR", str(tmp_path / "big"))
    with living(tmp_path / "big") as up:
        replay = settings_of_environment(running_up())
        (service,) = _services(Replay.of_state(replay), 1, tmp_path / "replay")
    assert service.env["LEADSTREAM_KAFKA_BOOTSTRAP"] == up.kafka == replay.kafka_bootstrap
    assert service.env["LEADSTREAM_HOLD"] == "2h"
    assert service.env["LEADSTREAM_CLICKHOUSE_URL"] == "http://elsewhere/x"
    assert service.env["LEADSTREAM_DATA_DIR"] == str(tmp_path / "replay" / "worker-1")
