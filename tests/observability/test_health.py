"""Is a process at work, and would a restart help?"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.ports import free_port
from processors.observability.health import SILENCE_S, Health, Pulse
from processors.observability.lag import LagSeconds
from processors.observability.metrics import Metric
from processors.observability.server import PortInUse, serve
from tests.observability.asking import ask, metrics_of

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
METRIC = Metric("x_lag", "gauge", "records", "Lag.")


class Process:
    """What a process says of itself, and where."""

    def __init__(self) -> None:
        self.silence_s = 0.0
        self.unready: str | None = "still restoring"
        health = Health(lambda: {"main": self.silence_s}, lambda: self.unready)
        self.port = serve(HOST, free_port(), [METRIC], lambda: {"x_lag": 7}, health)

    def status(self, page: str) -> int:
        return ask(self.port, page)[0]


def test_ready_and_healthy_are_two_things() -> None:
    process = Process()
    assert ask(process.port, "/readyz") == (503, "still restoring\n")
    assert process.status("/healthz") == 200
    process.unready = None
    assert ask(process.port, "/readyz") == (200, "ok\n")
    assert metrics_of(process.port) == {"x_lag": {(): 7}}
    assert process.status("/") == 404


def test_a_loop_that_does_not_turn_is_sick_and_every_stack_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    process = Process()
    process.silence_s = SILENCE_S - 1
    assert process.status("/healthz") == 200
    process.silence_s = SILENCE_S + 1
    assert [process.status("/healthz") for _ in range(3)] == [503] * 3
    eventually(lambda: bool(caplog.records))
    [line] = caplog.records
    assert "main loop has not turned" in line.message
    assert "test_health.py" in line.stack  # type: ignore[attr-defined]
    process.silence_s = 0
    assert process.status("/healthz") == 200


def test_who_hangs_again_is_told_of_again(caplog: pytest.LogCaptureFixture) -> None:
    """As after a machine was suspended."""
    process = Process()
    for silence_s in (SILENCE_S + 1, 0, SILENCE_S + 2):
        process.silence_s = silence_s
        process.status("/healthz")
    eventually(lambda: len(caplog.records) == 2)
    assert "for 32 s" in caplog.messages[1]


def test_what_is_not_answered_is_a_line_of_the_log_without_an_address(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    port = serve(HOST, free_port(), [METRIC], lambda: {"y": 7}, Health(dict, lambda: None))
    assert ask(port, "/metrics")[0] == 0
    eventually(lambda: bool(caplog.records))
    assert caplog.messages == ["a request was not answered"]
    assert capfd.readouterr().err == ""


def test_nobody_is_asked_for_the_name_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that is away would hold up every start."""

    def asked(*_: object) -> str:
        raise AssertionError("asked")

    monkeypatch.setattr("socket.getfqdn", asked)
    assert Process().status("/healthz") == 200


def test_what_hangs_is_noticed_within_40_s() -> None:
    """A supervisor asks every few seconds."""
    assert SILENCE_S + 5 < 40


async def test_a_pulse_follows_its_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    pulse = Pulse(lambda: now)
    monkeypatch.setattr("processors.observability.health._BEAT_S", 0.001)
    now += 50
    assert pulse.silence_s == 50
    pulse.follow(asyncio.get_running_loop())
    assert pulse.silence_s == 0
    now += 50
    await asyncio.sleep(0.1)  # of which the loop turns a hundred times
    assert pulse.silence_s == 0


def test_nothing_is_served_unless_it_is_asked_for() -> None:
    assert serve(HOST, 0, [METRIC], dict, Health(dict, lambda: None)) == 0


def test_a_port_that_is_taken_is_said_by_name() -> None:
    port = Process().port
    with pytest.raises(PortInUse, match=f":{port}: .*LEADSTREAM_METRICS_PORT") as taken:
        serve(HOST, port, [METRIC], dict, Health(dict, lambda: None))
    assert taken.value.exit_code == 78


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b"])
def test_an_address_that_is_none_of_this_machine_is_said(host: str) -> None:
    with pytest.raises(PortInUse, match=f"at {host}:.*LEADSTREAM_METRICS_HOST"):
        serve(host, free_port(), [METRIC], dict, Health(dict, lambda: None))


def test_lag_in_seconds() -> None:
    now, place = 1_000_000, ("clicks", 0)
    lag = LagSeconds(lambda: now)
    assert lag({place: 5}, {}) == {place: 0}, "it is not known how old they are"
    now += 4_000
    assert lag({place: 5}, {}) == {place: 4}
    assert lag({place: 5}, {place: now - 3_000}) == {place: 3}
    assert lag({place: 0}, {place: now - 3_600_000}) == {place: 0}
    now += 2_000
    assert lag({place: 1}, {place: now - 3_600_000}) == {place: 2}, "it was at the end until then"
    assert lag({}, {}) == {}


@pytest.mark.parametrize("service", ["worker", "sink"])
def test_a_frozen_process_says_so_and_one_that_waits_for_servers_does_not(
    service: str, tmp_path: Path
) -> None:
    port = free_port()
    env = {
        **os.environ,
        "LEADSTREAM_METRICS_PORT": str(port),
        "LEADSTREAM_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "LEADSTREAM_CLICKHOUSE_URL": "http://127.0.0.1:1/none",
        "LEADSTREAM_DATA_DIR": str(tmp_path / "data"),
        "LEADSTREAM_LOG_FORMAT": "json",
    }
    log = tmp_path / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.observability.frozen_main", service],
            cwd=ROOT,
            env=env,
            stdout=file,
            stderr=file,
        )
    try:
        until(lambda: ask(port, "/healthz")[0] == 200, log)
        waited = time.monotonic() + 3
        while time.monotonic() < waited:
            assert ask(port, "/healthz")[0] == 200
        assert ask(port, "/readyz")[0] == 503
        process.send_signal(signal.SIGUSR1)
        until(lambda: ask(port, "/healthz")[0] == 503, log)
        assert ask(port, "/metrics")[0] == 200
        until(lambda: b"stand_still" in log.read_bytes(), log)
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        assert "stand_still" in next(line for line in lines if "has not turned" in line["event"])["stack"]
    finally:
        process.kill()
        process.wait()


def eventually(condition: Callable[[], bool]) -> None:
    """The answer comes before the line."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def until(condition: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
