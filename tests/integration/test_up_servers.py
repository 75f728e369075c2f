"""``leadstream up`` when its embedded servers die: it brings them back, or ends and says which one it was."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import eventually

pytestmark = pytest.mark.integration

LEADSTREAM = Path(sys.executable).with_name("leadstream")
BACK = {"Kafka": "Kafka is back on port", "ClickHouse": "ClickHouse is back on port"}


class Up:
    """One run, and what it says."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("LEADSTREAM_")}
        self.process = subprocess.Popen(
            [LEADSTREAM, "up", "--data", str(data)],
            env=self.env,
            cwd=data.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, text: str, timeout: float = 180) -> None:
        deadline = time.monotonic() + timeout
        while text not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.1)

    def address(self, server: str) -> str:
        (ready,) = [line for line in self.lines if line.startswith("leadstream is ready: ")]
        return next(part for part in ready.split() if part.startswith(f"{server}=")).partition("=")[2]

    def kill(self, server: str) -> None:
        """``kill -9``, by the process id that it has noted."""
        (noted,) = [
            one for one in json.loads((self.data / "processes.json").read_bytes()) if one["name"] == server
        ]
        os.kill(noted["pid"], signal.SIGKILL)

    def leadstream(self, *arguments: str, text: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Another command, against this run."""
        env = {
            **self.env,
            "LEADSTREAM_KAFKA_BOOTSTRAP": self.address("kafka"),
            "LEADSTREAM_CLICKHOUSE_URL": self.address("clickhouse"),
        }
        return subprocess.run(
            [LEADSTREAM, *arguments],
            env=env,
            cwd=self.data.parent,
            input=text,
            capture_output=True,
            text=True,
        )

    def status(self) -> Any:
        """As programs read it."""
        return json.loads(self.leadstream("status", "--json").stdout)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    one = Up(tmp_path / ".leadstream")
    yield one
    one.close()


def events(customer: str) -> str:
    """Of someone who clicked, signed up, and qualified."""
    shared = {"workspaceId": "acme", "customerExternalId": customer}
    found: list[dict[str, str]] = [
        {"type": "click", "workspaceId": "acme", "clickId": f"click-{customer}"},
        {
            "type": "lead",
            "mode": "deferred",
            "clickId": f"click-{customer}",
            "eventName": "Sign Up",
            **shared,
        },
        {"type": "lead", "clickId": "", "eventName": "First Meeting", **shared},
    ]
    return "".join(f"{json.dumps(one)}\n" for one in found)


def lead_of(up: Up, customer: str) -> None:
    """Events in, and their lead out at the other end."""
    before = stored(up)
    sent = up.leadstream("send", "-", text=events(customer))
    assert sent.returncode == 0, sent.stderr
    eventually(lambda: stored(up) == before + 1, 120)


def stored(up: Up) -> int:
    found = up.status()["stored"]
    return int(found["leads"]) if "leads" in found else -1


@pytest.mark.timeout(600)
def test_servers_that_die_come_back_and_one_that_cannot_ends_it(up: Up) -> None:
    up.wait_for("leadstream is ready: ")
    lead_of(up, "before")
    addresses = up.address("kafka"), up.address("clickhouse")
    for server, back in BACK.items():
        up.kill(server)
        up.wait_for(back)
        lead_of(up, f"after-{server}")
    assert (up.address("kafka"), up.address("clickhouse")) == addresses
    eventually(lambda: bool(up.status()["well"]), 60)
    seen = up.status()
    restarts = {one["name"]: one["restarts"] for one in seen["processes"]}
    assert (restarts["Kafka"], restarts["ClickHouse"]) == (1, 1)
    assert any("was killed by SIGKILL" in one["text"] for one in seen["faults"])

    # What it needs at every start, and cannot do without.
    (up.data / "kafka" / "log" / "meta.properties").write_text("none of it\n")
    up.kill("Kafka")
    assert up.process.wait(180) == 69, up.said
    up.close()
    assert "error: Kafka cannot be kept up: " in up.said
    assert str(up.data / "kafka" / "kafka.log") in up.said
    assert " free)" in up.said
    nothing = up.leadstream("status")
    assert nothing.returncode == 69, nothing.stdout
    assert "no Kafka broker answers" in nothing.stdout
