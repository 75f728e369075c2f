"""What `leadstream up` says of its ports, and what it hands on to the other commands."""

import os
import socket
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.local.ports import HOST, free_port
from processors.settings import Settings
from processors.stack import addresses
from processors.stack.addresses import described, unusual
from processors.stack.running import Plan, _services

CHOSEN = {"Kafka": True, "ClickHouse": True, "gateway": True}


def at(kafka: int, clickhouse: int, gateway: int) -> Settings:
    return Settings(
        kafka_bootstrap=f"{HOST}:{kafka}",
        clickhouse_url=SecretStr(f"http://leadstream:s3cret@{HOST}:{clickhouse}/leadstream"),
        gateway_port=gateway,
    )


@pytest.fixture
def usual(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    ports = [free_port() for _ in range(3)]
    for name, port in zip(("KAFKA_PORT", "CLICKHOUSE_PORT", "GATEWAY_PORT"), ports, strict=True):
        monkeypatch.setattr(addresses, name, port)
    return ports


def test_of_the_usual_ports_nothing_is_said(usual: list[int]) -> None:
    assert unusual(at(*usual), CHOSEN) == ""


def test_of_others_it_is_said_why(usual: list[int]) -> None:
    kafka, clickhouse, _ = usual
    with socket.create_server((HOST, kafka)):
        assert unusual(at(1, clickhouse, 3), CHOSEN) == (
            f"not on the usual ports: Kafka 1 ({kafka} is taken), gateway 3 (as in the last run)"
        )


def test_what_was_not_its_choice_is_not_explained(usual: list[int]) -> None:
    assert unusual(at(1, 2, 3), dict.fromkeys(CHOSEN, False)) == ""


def test_a_server_elsewhere_need_not_have_one_port(usual: list[int]) -> None:
    settings = Settings(kafka_bootstrap="a:1,b:2", clickhouse_url=SecretStr("https://db/x"), gateway_port=3)
    chosen = {"Kafka": False, "ClickHouse": False, "gateway": True}
    assert unusual(settings, chosen).endswith("gateway 3 (as in the last run)")


def test_every_process_shows_its_metrics_to_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADSTREAM_HOLD", "2h")
    monkeypatch.setenv("LEADSTREAM_METRICS_HOST", "0.0.0.0")  # noqa: S104 - which is not for `up`
    settings = at(1, 2, 3)
    up = described(tmp_path, settings, _services(Plan(tmp_path, None, None, 2), settings))
    assert [*up.metrics] == ["worker-1", "worker-2", "rewards", "sink", "gateway"]
    assert len({*up.metrics.values()}) == 5
    assert all(
        url.startswith("http://127.0.0.1:") and url.endswith("/metrics") for url in up.metrics.values()
    )
    assert (up.pid, up.data, up.gateway) == (os.getpid(), tmp_path, "http://127.0.0.1:3")
    assert (up.kafka, up.clickhouse) == (f"{HOST}:1", f"http://leadstream:s3cret@{HOST}:2/leadstream")
    assert up.settings == {"hold": "2h"}
