"""A gateway's metrics and health."""

import asyncio
from collections.abc import Callable, Mapping

from processors.gateway.stats import Stats
from processors.observability.exposition import Reading
from processors.observability.health import Health, Pulse
from processors.observability.metrics import GATEWAY, PROCESS
from processors.observability.process import process_reading
from processors.observability.server import serve
from processors.settings import Settings

More = Callable[[], Reading]
"""What parts of the gateway say of themselves; asked from other threads."""


def serve_gateway(settings: Settings, stats: Stats, more: More = dict) -> int:
    """At ``LEADSTREAM_METRICS_PORT``, if there is one: the port. Call it in the loop.

    Raises ``PortInUse``.
    """
    pulse = Pulse()
    pulse.follow(asyncio.get_running_loop())

    def silences() -> Mapping[str, float]:
        return {"main": pulse.silence_s}

    process = process_reading(settings, silences)

    def read() -> Reading:
        return {**process(), **_reading(stats), **more()}

    health = Health(silences, lambda: stats.unready)
    return serve(settings.metrics_port, (*PROCESS, *GATEWAY), read, health)


def _reading(stats: Stats) -> Reading:
    return {
        "leadstream_gateway_requests_total": stats.requests,
        "leadstream_gateway_request_seconds": stats.seconds,
        "leadstream_gateway_requests_under_way": stats.under_way,
    }
