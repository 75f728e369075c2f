"""Where to ask how a system is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from processors.errors import Unavailable
from processors.settings import Settings
from processors.settings.running import running_in, running_up


@dataclass(frozen=True)
class Places:
    """``where``: how to call the system. ``data``, ``gateway``, ``pid``: of a running ``up``, if it is one.

    ``metrics``: by the name of a process, or by its address where it has none, the URL of its ``/metrics``.
    """

    settings: Settings
    where: str
    data: Path | None = None
    gateway: str | None = None
    metrics: Mapping[str, str] = field(default_factory=dict)
    pid: int | None = None

    def require_up(self) -> None:
        """Raises ``Unavailable`` when the ``up`` that was found has ended: another one has other places."""
        if self.pid is None or self.data is None:
            return
        up = running_in(self.data)
        if up is None or up.pid != self.pid:
            raise Unavailable(
                f"the `leadstream up` in {self.data} has ended", "Ask again when it runs again."
            )


def places_of(settings: Settings, metrics: Iterable[str] = ()) -> Places:
    """The running ``up``, where it is what the settings point to; else what they point to."""
    given = {urlsplit(address).netloc or address: address for address in metrics}
    up = running_up()
    if up is None or up.kafka != settings.kafka_bootstrap:
        return Places(settings, f"Kafka at {settings.kafka_bootstrap}", metrics=given)
    return Places(
        settings, f"leadstream up in {up.data}", up.data, up.gateway, {**up.metrics, **given}, up.pid
    )
