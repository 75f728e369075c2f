"""Every route of a gateway."""

from collections.abc import Callable
from dataclasses import dataclass

from processors.gateway.callers import Callers
from processors.gateway.routing import Route
from processors.gateway.script.routes import script_routes
from processors.registry.store import RegistryStore
from processors.settings import Settings


@dataclass(frozen=True)
class Parts:
    """What handlers need. ``public_url``: how clients reach this gateway; without a slash at its end."""

    settings: Settings
    registry: RegistryStore
    callers: Callers
    public_url: str
    clock: Callable[[], int]


def build_routes(parts: Parts) -> list[Route]:  # noqa: ARG001
    """In the order in which they are documented."""
    return [
        *script_routes(),
    ]
