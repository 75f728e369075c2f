"""What a process says of itself at the address of its metrics. Blocks, for seconds at most."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from processors.status.figures import Process

_PATIENCE_S: Final = 3.0
_STOPPED: Final = tuple(f"leadstream_{kind}_stopped_partitions" for kind in ("worker", "rewards"))
_STATUS_UNREADY: Final = 503

Samples = Mapping[str, Mapping[tuple[str, ...], float]]
"""By the name of a metric and the values of its labels."""


@dataclass(frozen=True)
class Answer:
    """``text``: the body."""

    status: int
    text: str


def asked(url: str, path: str) -> Answer:
    """What is at ``path`` of the server of ``url``, past any proxy. Raises ``OSError`` and ``ValueError``."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url} is no http address")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read().decode(errors="replace"))
    except http.client.HTTPException as error:
        raise ConnectionError(f"{type(error).__name__} instead of an answer") from error
    finally:
        connection.close()


def process_at(name: str, url: str) -> Process:
    """A process by what it says. ``name``: how to call it. Raises nothing."""
    try:
        ready = asked(url, "/readyz")
        page = asked(url, urlsplit(url).path.rstrip("/") or "/metrics")
        samples = read(page.text)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Process(name, f"does not answer: {why}")
    started = samples.get("leadstream_start_time_seconds", {}).get(())
    if started is None:
        return Process(name, "does not answer as a process of Leadstream does")
    return Process(
        name,
        "running" if ready.status != _STATUS_UNREADY else f"not ready: {ready.text.strip()}",
        round(started * 1000),
        errors=_errors(samples),
        waits=_waits(samples),
        stopped=int(sum(samples.get(name, {}).get((), 0) for name in _STOPPED)),
    )


def read(page: str) -> Samples:
    """Prometheus' format. Raises ``ValueError``."""
    from prometheus_client.parser import text_string_to_metric_families

    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def _errors(samples: Samples) -> int | None:
    lines = samples.get("leadstream_log_lines_total")
    return None if lines is None else int(sum(lines.get((level,), 0) for level in ("error", "critical")))


def _waits(samples: Samples) -> dict[str, int] | None:
    held = samples.get("leadstream_worker_held")
    return None if held is None else {table: int(count) for (table,), count in held.items()}
