"""The other commands beside a running `up`: nothing is set, and they know where everything is."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from processors.clickhouse.connection import connect
from processors.settings.running import running_up
from tests.integration.stack import wait_for
from tests.integration.ups import READY, Up, bare, leadstream
from tests.observability.asking import ask

pytestmark = pytest.mark.integration

EVENTS = """\
{"type":"click","workspaceId":"acme","clickId":"c1","timestamp":"2026-11-01T10:00:00Z"}
{"type":"lead","mode":"deferred","workspaceId":"acme","clickId":"c1","customerExternalId":"u1",\
"eventName":"Sign Up","timestamp":"2026-11-01T10:05:00Z"}
{"type":"lead","workspaceId":"acme","customerExternalId":"u1","eventName":"Meeting",\
"timestamp":"2026-11-04T09:00:00Z"}
"""
# Behind it is nobody: whatever is sent there instead of to this machine is lost.
DEAD_PROXY = "http://127.0.0.1:1"
PROXIES = ("http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture
def env() -> dict[str, str]:
    left_out = ("LEADSTREAM_", "NO_PROXY", "no_proxy")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {**kept, **dict.fromkeys(PROXIES, DEAD_PROXY), "LEADSTREAM_PARTITIONS": "2"}


@pytest.fixture
def up(tmp_path: Path, env: dict[str, str]) -> Iterator[Up]:
    with Up(tmp_path, env=env) as one:
        one.wait_for(READY)
        yield one
        assert one.interrupt() == 0, one.said
    assert running_up(tmp_path) is None


def listens_beyond_127_0_0_1(port: int) -> bool:
    with socket.socket() as other:
        return other.connect_ex(("127.0.0.2", port)) == 0


@pytest.mark.timeout(400)
def test_commands_below_its_directory_find_it(tmp_path: Path, env: dict[str, str], up: Up) -> None:
    below = tmp_path / "some" / "where"
    below.mkdir(parents=True)
    (below / "events.jsonl").write_text(EVENTS)

    def run(*command: str) -> str:
        done = leadstream(below, bare(env), *command)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def audit() -> str:
        return leadstream(below, bare(env), "audit").stdout

    rows = json.loads(run("config", "--json"))
    taken = ("KAFKA_BOOTSTRAP", "CLICKHOUSE_URL", "DATA_DIR", "PARTITIONS")
    assert {rows[f"LEADSTREAM_{name}"]["source"] for name in taken} == {"running up"}
    assert rows["LEADSTREAM_PARTITIONS"]["value"] == 2

    variables = json.loads(run("env", "--json"))
    kafka, url, gateway = (
        variables[f"LEADSTREAM_{name}"] for name in ("KAFKA_BOOTSTRAP", "CLICKHOUSE_URL", "GATEWAY_URL")
    )
    data = tmp_path / ".leadstream"
    assert up.ready == f"leadstream is ready: kafka={kafka} clickhouse={url} gateway={gateway} data={data}"

    run("workspace", "create", "acme")
    run("send", "events.jsonl")
    with closing(connect(url)) as client:
        wait_for(lambda: client.command("SELECT count() FROM leads") == 1, 120, lambda: up.said)
    # The sink says so a moment later.
    audited = "1 expected, 1 in the topic, 1 in ClickHouse"
    wait_for(lambda: audited in audit(), 60, audit)
    assert "Meeting" in run("trace", "acme", "u1")

    found = running_up(below)
    assert found is not None
    assert [*found.metrics] == ["worker-1", "rewards", "sink", "gateway"]
    ports = [urlsplit(one).port for one in (*found.metrics.values(), gateway, url, f"//{kafka}")]
    for port in ports:
        assert port is not None
        assert not listens_beyond_127_0_0_1(port)
    assert all(ask(port or 0, "/readyz")[0] == 200 for port in ports[:4])

    own = leadstream(below, bare(env), "worker")
    assert own.returncode == 73
    assert f"{data} is in use by process {found.pid}" in own.stderr
