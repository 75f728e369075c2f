"""`leadstream status` where nothing answers: on a terminal's width, as JSON, again and again."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from processors.cli import status
from processors.cli.main import main
from processors.status.figures import Figures, Unknown
from processors.status.places import Places
from tests.status.examples import NOW_MS

NOWHERE = {
    "LEADSTREAM_KAFKA_BOOTSTRAP": "127.0.0.1:1",
    "LEADSTREAM_CLICKHOUSE_URL": "http://me:s3cret@127.0.0.1:1/leadstream",
}


@pytest.fixture(autouse=True)
def nothing_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


def test_what_cannot_be_reached_is_said_in_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--metrics", "http://127.0.0.1:1/metrics"]) == 69
    shown, error = capsys.readouterr()
    assert error == "error: nothing answers\n"
    assert "kafka    unknown: no Kafka broker answers at 127.0.0.1:1" in shown
    assert "tables   unknown: ClickHouse at 127.0.0.1:1 cannot be reached" in shown
    assert "127.0.0.1:1: does not answer: Connection refused" in shown
    assert "3 problems:" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "s3cret" not in shown


def test_where_no_up_runs_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LEADSTREAM_KAFKA_BOOTSTRAP")

    async def nothing(_: Places) -> Figures:
        return Figures(NOW_MS, "Kafka", Unknown("gone"), Unknown("gone"))

    monkeypatch.setattr(status, "once", nothing)
    assert main(["status"]) == 69
    assert "No `leadstream up` runs here: start one" in capsys.readouterr().err


def test_a_pause_without_watching_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--every", "5"]) == 2
    assert "say --watch, too" in capsys.readouterr().err


def test_json_says_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--json"]) == 69
    found = json.loads(capsys.readouterr().out)
    assert found["well"] is False
    assert len(found["problems"]) == 2
    assert found["flow"].keys() == found["stored"].keys() == {"unknown"}


def test_watched_in_a_pipe_it_is_a_line_each_time_until_ctrl_c(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("leadstream")), "status", "--watch", "--every", "0.2"]
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert all("no Kafka broker answers at 127.0.0.1:1" in line for line in lines)
    assert not any("\x1b" in line for line in lines)
    assert (process.returncode, errors.strip()) == (130, "interrupted")
