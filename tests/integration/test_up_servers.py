"""``leadstream up`` when its embedded servers die: it brings them back, or ends and says which one it was."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from processors.clickhouse.connection import connect
from tests.integration.stack import wait_for
from tests.integration.ups import READY, Up, bare, leadstream

pytestmark = pytest.mark.integration

BACK = {"Kafka": "Kafka is back on port", "ClickHouse": "ClickHouse is back on port"}


class Servers(Up):
    """One run, whose servers may be killed."""

    def __init__(self, data: Path) -> None:
        super().__init__(data.parent, "--data", data.name, env=bare(os.environ))
        self.data = data

    def kill(self, server: str) -> None:
        """``kill -9``, by the process id that it has noted."""
        (noted,) = [
            one for one in json.loads((self.data / "processes.json").read_bytes()) if one["name"] == server
        ]
        os.kill(noted["pid"], signal.SIGKILL)

    def leadstream(self, *arguments: str, text: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Another command, against this run."""
        env = {
            **bare(os.environ),
            "LEADSTREAM_KAFKA_BOOTSTRAP": self.address("kafka"),
            "LEADSTREAM_CLICKHOUSE_URL": self.address("clickhouse"),
        }
        return leadstream(self.data.parent, env, *arguments, text=text)

    def status(self) -> Any:
        """As programs read it."""
        return json.loads(self.leadstream("status", "--json").stdout)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Servers]:
    with Servers(tmp_path / ".leadstream") as one:
        yield one


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


def lead_of(up: Servers, customer: str) -> None:
    """Events in, and their lead out at the other end."""
    sent = up.leadstream("send", "-", text=events(customer))
    assert sent.returncode == 0, sent.stderr
    with closing(connect(up.address("clickhouse"))) as client:
        sql = f"SELECT count() FROM leads WHERE customer_external_id = '{customer}'"
        wait_for(lambda: client.command(sql) == 1, 120, lambda: up.said)


@pytest.mark.timeout(600)
def test_servers_that_die_come_back_and_one_that_cannot_ends_it(up: Servers) -> None:
    up.wait_for(READY)
    lead_of(up, "before")
    addresses = up.address("kafka"), up.address("clickhouse")
    for server, back in BACK.items():
        up.kill(server)
        up.wait_for(back)
        lead_of(up, f"after-{server}")
    assert (up.address("kafka"), up.address("clickhouse")) == addresses
    wait_for(lambda: up.status()["well"] is True, 60, lambda: str(up.status()), pause=1)
    seen = up.status()
    restarts = {one["name"]: one["restarts"] for one in seen["processes"]}
    assert (restarts["Kafka"], restarts["ClickHouse"]) == (1, 1)
    assert seen["stored"]["leads"] == 1 + len(BACK)
    assert any("was killed by SIGKILL" in one["text"] for one in seen["faults"])

    # What it needs at every start, and cannot do without.
    (up.data / "kafka" / "log" / "meta.properties").write_text("none of it\n")
    up.kill("Kafka")
    assert up.process.wait(180) == 69, up.said
    assert "error: Kafka cannot be kept up: " in up.said
    assert str(up.data / "kafka" / "kafka.log") in up.said
    assert " free)" in up.said
    nothing = up.leadstream("status")
    assert nothing.returncode == 69, nothing.stdout
    assert "no Kafka broker answers" in nothing.stdout
