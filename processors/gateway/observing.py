"""A gateway's metrics, health, and a line a minute."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from processors.gateway.facts import RecentAndOlder
from processors.gateway.live import Live
from processors.gateway.publishing import EventPublisher
from processors.gateway.stats import Stats
from processors.observability.exposition import Reading
from processors.observability.health import Health, Pulse
from processors.observability.metrics import GATEWAY, PROCESS
from processors.observability.pace import Look, Names, Telling
from processors.observability.process import process_reading
from processors.observability.server import serve
from processors.registry.store import RegistryStore
from processors.settings import Settings

log = logging.getLogger(__name__)


class Servers(NamedTuple):
    """What a gateway knows of others, and how it writes to them."""

    registry: RegistryStore
    facts: RecentAndOlder
    publisher: EventPublisher


_SERVERS: Final = (
    "leadstream_gateway_events_total",
    "leadstream_gateway_events_waiting",
    "leadstream_gateway_producers_total",
    "leadstream_gateway_memory_bytes",
    "leadstream_gateway_lookups_total",
    "leadstream_gateway_lookup_failures_total",
)


@dataclass
class Observed:
    """``servers``, ``live``: None until all servers have answered."""

    stats: Stats
    servers: Servers | None = None
    live: Live | None = None


def serve_gateway(settings: Settings, observed: Observed) -> int:
    """At ``LEADSTREAM_METRICS_PORT``, if there is one: the port. Call it in the loop.

    Raises ``PortInUse``.
    """
    pulse, loop = Pulse(), asyncio.get_running_loop()
    pulse.follow(loop)
    Telling(log, Names("requests", "request_ms"), lambda: look(observed)).follow(loop)

    def silences() -> Mapping[str, float]:
        return {"main": pulse.silence_s}

    process = process_reading(settings, silences)

    def read() -> Reading:
        return {
            **process(),
            **_of_requests(observed.stats),
            **_of_servers(observed.servers),
            **_of_streams(observed.live),
        }

    health = Health(silences, lambda: observed.stats.unready)
    return serve(settings.metrics_host, settings.metrics_port, (*PROCESS, *GATEWAY), read, health)


def look(observed: Observed) -> Look:
    """What it has done, for its log. In the main thread."""
    stats, servers = observed.stats, observed.servers
    troubles = {"failed": sum(count for (_, status), count in stats.requests.items() if status >= "500")}
    if servers is not None:
        facts, publisher = servers.facts, servers.publisher
        troubles |= {
            "late": publisher.late,
            "dropped": publisher.dropped,
            "lookup_failures": facts.older.failures,
        }
    took = list(stats.seconds.values())
    unready = {"unready": stats.unready} if stats.unready else {}
    return Look(
        work=stats.requests.total(),
        times=sum(one.times for one in took),
        seconds=sum(one.total for one in took),
        troubles=troubles,
        now={"under_way": stats.under_way, **unready},
    )


def _of_requests(stats: Stats) -> Reading:
    return {
        "leadstream_gateway_requests_total": stats.requests,
        "leadstream_gateway_request_seconds": stats.seconds,
        "leadstream_gateway_requests_under_way": stats.under_way,
        "leadstream_gateway_misspelt_fields_total": stats.misspelt,
    }


def _of_servers(servers: Servers | None) -> Reading:
    if servers is None:
        return dict.fromkeys(_SERVERS)
    facts, publisher = servers.facts, servers.publisher
    return {
        "leadstream_gateway_events_total": {
            "acknowledged": publisher.published,
            "late": publisher.late,
            "dropped": publisher.dropped,
        },
        "leadstream_gateway_events_waiting": publisher.waiting,
        "leadstream_gateway_producers_total": publisher.producers,
        "leadstream_gateway_memory_bytes": facts.memory.recent.size,
        "leadstream_gateway_lookups_total": facts.older.lookups,
        "leadstream_gateway_lookup_failures_total": facts.older.failures,
    }


def _of_streams(live: Live | None) -> Reading:
    return {
        "leadstream_gateway_streams": None if live is None else live.watching,
        "leadstream_gateway_stream_bytes": None if live is None else live.rings.size,
        "leadstream_gateway_streams_dropped_total": None if live is None else live.dropped,
    }
