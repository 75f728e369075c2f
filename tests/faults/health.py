"""What processes answer at ``/healthz``, second by second."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

from deploy.local.ports import free_port
from tests.integration.stack import Service
from tests.observability.asking import ask

NOBODY: Final = 0
"""Instead of a status: the process is not there, or only just beginning."""


def observed(service: Service) -> Service:
    """With a port of its own, from its next start on."""
    service.env["LEADSTREAM_METRICS_PORT"] = str(free_port())
    return service


def status(service: Service) -> int:
    """What it answers now."""
    return ask(int(service.env["LEADSTREAM_METRICS_PORT"]), "/healthz")[0]


@contextmanager
def watching(services: Sequence[Service]) -> Iterator[list[list[int]]]:
    """The statuses of each, for as long as this lasts."""
    found: list[list[int]] = [[] for _ in services]
    ended = Event()

    def look() -> None:
        while not ended.wait(1.0):
            for statuses, service in zip(found, services, strict=True):
                statuses.append(status(service))

    thread = Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()
