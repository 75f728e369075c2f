"""``leadstream gateway`` as a process: beginning, serving, health, end."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from deploy.local.ports import free_port
from processors.observability.metrics import GATEWAY, PROCESS
from tests.integration.stack import Service, Stack, wait_for
from tests.observability.asking import ask, metrics_of

pytestmark = pytest.mark.integration


class Serving(Stack):
    """Gateways with ports of their own, which log JSON."""

    def gateway(self, name: str, **env: str) -> tuple[Service, int, int]:
        """Started; its port, and that of its metrics."""
        service, port, metrics = self.service("gateway", name), free_port(), free_port()
        service.env |= {
            "LEADSTREAM_GATEWAY_PORT": str(port),
            "LEADSTREAM_METRICS_PORT": str(metrics),
            "LEADSTREAM_LOG_FORMAT": "json",
            **env,
        }
        service.start()
        return service, port, metrics

    def workspace(self, name: str, *options: str) -> dict[str, str]:
        done = self.run("workspace", "create", name, *options, "--json")
        assert done.returncode == 0, done.stderr.decode()
        found: dict[str, str] = json.loads(done.stdout)
        return found


@pytest.fixture
def stack(kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path: Path) -> Iterator[Serving]:
    name = f"gateway{time.time_ns() % 10**9}"
    with Serving(kafka.bootstrap, clickhouse.url, name, tmp_path, LEADSTREAM_PARTITIONS="2") as stack:
        stack.create()
        yield stack


def until_ready(service: Service, metrics: int) -> None:
    def ready() -> bool:
        service.check_alive()
        return ask(metrics, "/readyz")[0] == 200

    wait_for(ready, 60, service.life, pause=0.05)


def test_a_life(stack: Serving) -> None:
    service, port, metrics = stack.gateway("one")
    until_ready(service, metrics)
    assert ask(metrics, "/healthz") == (200, "ok\n")
    base = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=base) as client:
        document: dict[str, Any] = client.get("/openapi.json").raise_for_status().json()
        assert document["servers"] == [{"url": base}]
        assert client.get("/docs").headers["content-type"] == "text/html; charset=utf-8"
        nobody = client.post("/track/lead", json={"customerEmail": "ann@planted.example"})
        assert nobody.status_code in (401, 404)
        assert urlsplit(nobody.json()["error"]["doc_url"])._replace(fragment="").geturl() == f"{base}/docs"
        # Made after the gateway has begun, by another process.
        stack.workspace("acme", "--domain", "go.localhost")
        link = client.get("/ann@planted.example", headers={"Host": "go.localhost"})
        assert link.status_code == 404
    shown = metrics_of(metrics)
    assert {one.name for one in (*PROCESS, *GATEWAY)} <= shown.keys()
    assert shown["leadstream_gateway_requests_total"]["short links", "404"] == 1
    assert service.stop() == 0
    lines = [json.loads(line) for line in service.life().splitlines()]
    assert [one["event"] for one in lines][-1] == "stopped"
    assert "planted" not in service.life()


def test_ctrl_c_while_it_waits_for_a_broker(stack: Serving) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    service, _, metrics = stack.gateway("waiting", LEADSTREAM_KAFKA_BOOTSTRAP=nobody)
    wait_for(lambda: "waiting for a Kafka broker" in service.life(), 60, service.life)
    status, why = ask(metrics, "/readyz")
    assert (status, ask(metrics, "/healthz")[0]) == (503, 200)
    assert "not read yet" in why
    service.send_signal(signal.SIGINT)
    assert service.wait() == 0


def test_what_ends_a_start(stack: Serving) -> None:
    first, port, metrics = stack.gateway("one")
    until_ready(first, metrics)
    second, _, _ = stack.gateway("two", LEADSTREAM_GATEWAY_PORT=str(port))
    assert second.wait() == 78
    assert f"cannot listen on 127.0.0.1:{port}" in second.life()
    lacking, _, _ = stack.gateway("three", LEADSTREAM_TOPIC_PREFIX="nowhere.")
    assert lacking.wait() == 78
    assert "leadstream topics create" in lacking.life()
