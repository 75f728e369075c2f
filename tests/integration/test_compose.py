"""docker-compose.yml without a Docker engine: the file is valid, and what it starts works.

Each service's exact command and environment runs as a process here; only the names of the other containers
are replaced by the addresses of the servers of this test. Kafka's environment becomes server.properties as
its image does it. What only an engine can show, the images themselves, is not tested.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from deploy.local.ports import free_port
from processors.clickhouse.connection import connect
from processors.clickhouse.migrations import LEAST_CLICKHOUSE
from tests.integration.stack import Service, wait_for

ROOT = Path(__file__).parents[2]
SERVERS = ("kafka", "clickhouse")
ONE_SHOT = ("topics", "migrate")
STORY = [
    {"type": "click", "clickId": "c1", "linkId": "l1", "partnerId": "p1", "domain": "acme.link", "key": "go"},
    {"type": "lead", "clickId": "c1", "customerExternalId": "u1", "eventName": "Sign Up", "mode": "deferred"},
    {"type": "lead", "clickId": "", "customerExternalId": "u1", "eventName": "First Meeting"},
]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (ROOT / "docker-compose.yml").read_text()
    text = re.sub(r"\$\{\w+:-(\w*)\}", r"\1", text)
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def test_the_file_follows_the_compose_specification() -> None:
    checked = subprocess.run(
        [
            Path(sys.executable).with_name("check-jsonschema"),
            "--builtin-schema",
            "vendor.compose-spec",
            ROOT / "docker-compose.yml",
        ],
        capture_output=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout.decode()


def test_services_are_pinned_checked_and_local(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert re.search(r":\d+\.\d+(\.\d+)?$", service["image"]), f"{name}: the image has no version"
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), f"{name} listens to the world"
    for name in set(compose["services"]) - set(ONE_SHOT):
        assert "healthcheck" in compose["services"][name], f"nobody knows whether {name} is up"
    for name in set(compose["services"]) - set(SERVERS):
        assert compose["services"][name]["depends_on"], f"{name} waits for nobody"


def test_clickhouse_is_new_enough(compose: dict[str, Any]) -> None:
    version = compose["services"]["clickhouse"]["image"].rpartition(":")[2]
    assert tuple(map(int, version.split("."))) >= LEAST_CLICKHOUSE


def test_workers_have_names_and_data_of_their_own(compose: dict[str, Any]) -> None:
    workers = [service for service in compose["services"].values() if service.get("command") == ["worker"]]
    assert len(workers) == 2
    assert len({worker["environment"]["LEADSTREAM_INSTANCE_ID"] for worker in workers}) == 2
    assert len({tuple(worker["volumes"]) for worker in workers}) == 2


@pytest.mark.integration
def test_what_the_file_starts_works(
    compose: dict[str, Any], clickhouse: LocalClickHouse, tmp_path: Path
) -> None:
    services = compose["services"]
    with LocalKafka(tmp_path / "kafka", settings=broker_settings(services["kafka"])) as kafka:
        as_a_release_before(kafka)
        for name in ONE_SHOT:
            done = run(services[name], kafka, clickhouse, tmp_path)
            assert done.returncode == 0, (done.stdout + done.stderr).decode()
        running = [
            Service(
                service["command"], environment(service, kafka, clickhouse, tmp_path / name), tmp_path / name
            )
            for name, service in services.items()
            if name not in (*SERVERS, *ONE_SHOT)
        ]
        assert len(running) == 5
        try:
            for service in running:
                service.start()
            lines = "\n".join(json.dumps({"workspaceId": "acme", **event}) for event in STORY).encode()
            sender = {**services["topics"], "command": ["send", "-"]}
            sent = run(sender, kafka, clickhouse, tmp_path, stdin=lines)
            assert sent.returncode == 0, sent.stderr.decode()
            url = environment(services["sink"], kafka, clickhouse, tmp_path)["LEADSTREAM_CLICKHOUSE_URL"]
            wait_for(
                lambda: leads(url, running) == [("u1", "First Meeting", "c1", "p1")],
                60,
                lambda: f"no lead: {leads(url, running)}",
            )
            maker = {**services["topics"], "command": ["workspace", "create", "acme", "--json"]}
            made = run(maker, kafka, clickhouse, tmp_path)
            key = json.loads(made.stdout)["secretKey"]
            (gateway,) = [one for one in running if one.command == ["gateway"]]
            base = f"http://127.0.0.1:{gateway.env['LEADSTREAM_GATEWAY_PORT']}"
            answer = httpx.get(f"{base}/links", headers={"Authorization": f"Bearer {key}"})
            assert (answer.status_code, answer.json()) == (200, [])
            assert [healthy(services[service.log.name], service) for service in running] == [0] * 5
            assert [service.stop() for service in running] == [0] * 5
        finally:
            for service in running:
                if service.process is not None:
                    service.kill()


def healthy(described: dict[str, Any], service: Service) -> int:
    """Exit code of the container's own check, at the port that the service has here."""
    kind, program, *arguments = described["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "python")
    inside, here = (one["LEADSTREAM_METRICS_PORT"] for one in (described["environment"], service.env))
    own = [argument.replace(f":{inside}/", f":{here}/") for argument in arguments]
    assert own != arguments
    return subprocess.run([sys.executable, *own], check=False, timeout=20).returncode


def as_a_release_before(kafka: LocalKafka) -> None:
    """A topic is there already, and is not as this release wants it."""
    made = NewTopic("clicks", 8, 1, config={"retention.ms": "3600000"})
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([made])["clicks"].result(20)


def leads(url: str, running: list[Service]) -> list[tuple[Any, ...]]:
    for service in running:
        service.check_alive()
    client = connect(url)
    try:
        query = "SELECT customer_external_id, event_name, click_id, partner_id FROM leads"
        return [tuple(row) for row in client.query(query).result_rows]
    finally:
        client.close()


def run(
    service: dict[str, Any],
    kafka: LocalKafka,
    clickhouse: LocalClickHouse,
    directory: Path,
    stdin: bytes | None = None,
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "processors.cli.main", *service["command"]],
        env=environment(service, kafka, clickhouse, directory),
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )


def environment(
    service: dict[str, Any], kafka: LocalKafka, clickhouse: LocalClickHouse, directory: Path
) -> dict[str, str]:
    """The service's own environment and the image's, with the addresses of the servers of this test."""
    directory = directory.with_suffix(".data")
    clickhouse_address = clickhouse.url.removeprefix("http://").rpartition("/")[0]
    addresses = {"kafka:9092": kafka.bootstrap, "leadstream:leadstream@clickhouse:8123": clickhouse_address}
    found = {"PYTHONPATH": str(ROOT), "LEADSTREAM_DATA_DIR": str(directory)}
    for name, value in service["environment"].items():
        for container, address in addresses.items():
            value = value.replace(container, address)
        found[name] = value
    for port in ("LEADSTREAM_METRICS_PORT", "LEADSTREAM_GATEWAY_PORT"):
        if port in found:
            found[port] = str(free_port())
    return found


def broker_settings(service: dict[str, Any]) -> dict[str, str]:
    """As the image does it; where it listens and keeps its log is the embedded broker's own business."""
    own = ("LISTENER", "ROLES", "VOTERS", "NODE_ID", "LOG_DIRS")
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in service["environment"].items()
        if name.startswith("KAFKA_") and not any(part in name for part in own)
    }
