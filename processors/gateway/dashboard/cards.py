"""A card of a page: what it shows, or why it cannot."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from processors.gateway.answers import ApiError, Code
from processors.gateway.asking import WHOLE_PAGE_S

T = TypeVar("T")


@dataclass(frozen=True)
class Failure:
    """``too_much``: the question is. ``busy``: it has had no turn. Neither: the store does not answer."""

    too_much: bool = False
    busy: bool = False


@dataclass(frozen=True)
class Card(Generic[T]):
    """Either of them is None."""

    found: T | None
    failure: Failure | None = None

    @property
    def shown(self) -> T:
        """What was found; to be asked for only then."""
        assert self.found is not None  # noqa: S101 - narrows
        return self.found


async def card(asking: Coroutine[Any, Any, T]) -> Card[T]:
    """A question that fails hits no other card."""
    try:
        # Each of its questions has a shorter time of its own, which begins with its turn.
        async with asyncio.timeout(WHOLE_PAGE_S):
            return Card(await asking)
    except TimeoutError:
        return Card(None, Failure(busy=True))
    except ApiError as error:
        if error.code is Code.UNPROCESSABLE_ENTITY:
            return Card(None, Failure(too_much=True))
        if error.code is Code.SERVICE_UNAVAILABLE:
            return Card(None, Failure())
        raise
