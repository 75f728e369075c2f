"""What is not there may have been written a moment ago, by another process."""

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Following(Protocol):
    """What ``RegistryStore`` does."""

    async def catch_up(self) -> None:
        """Returns when all is there that was written before the call."""


async def look_up(registry: Following, look: Callable[[], T | None]) -> T | None:
    """What ``look`` finds. None only when it finds nothing either once the registry has caught up.

    Raises what ``look`` and ``catch_up`` raise; what is known asks nobody.
    """
    found = look()
    if found is None:
        await registry.catch_up()
        found = look()
    return found
