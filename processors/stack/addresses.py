"""Where everything of ``leadstream up`` listens, and how others hear of it."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from processors.settings import Settings, variable
from processors.settings.gateway import GATEWAY_PORT
from processors.settings.loading import agreed_on
from processors.settings.running import RunningUp
from processors.stack.gateway import url_of
from processors.stack.supervisor import Service

KAFKA_PORT: Final = 29_092
CLICKHOUSE_PORT: Final = 8_123
"""The usual ones, also of docker-compose.yml."""


def unusual(settings: Settings, chosen: Mapping[str, bool]) -> str:
    """One line for people about those that could not listen where they usually do; "" when all could.

    ``chosen``: by their names, whether it was for ``up`` to choose their ports.
    """
    from deploy.local.ports import is_taken

    ports = {
        "Kafka": (int(settings.kafka_bootstrap.rpartition(":")[2]), KAFKA_PORT),
        "ClickHouse": (settings.clickhouse_address.port, CLICKHOUSE_PORT),
        "gateway": (settings.gateway_port, GATEWAY_PORT),
    }
    others = [
        f"{who} {port} ({f'{usual} is taken' if is_taken(usual) else 'as in the last run'})"
        for who, (port, usual) in ports.items()
        if chosen[who] and port != usual
    ]
    return f"not on the usual ports: {', '.join(others)}" if others else ""


def described(data: Path, settings: Settings, services: Iterable[Service]) -> RunningUp:
    """What is handed on of this process, whose ``settings`` point to what it runs."""
    return RunningUp(
        data=data,
        pid=os.getpid(),
        kafka=settings.kafka_bootstrap,
        clickhouse=settings.clickhouse_url.get_secret_value(),
        gateway=url_of(settings),
        metrics={service.name: _metrics_url(service.env) for service in services},
        settings=agreed_on(),
    )


def _metrics_url(env: Mapping[str, str]) -> str:
    return f"http://{env[variable('metrics_host')]}:{env[variable('metrics_port')]}/metrics"
