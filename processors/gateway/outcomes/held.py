"""What waits now for an event that it needs: as the workers hold it."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace
from starlette.requests import Request

from processors.gateway.asking import Ask
from processors.gateway.facts.older import ERASED_AMONG
from processors.gateway.looking import Looks, in_a_process
from processors.people.traced import AskedHeld, HeldEvents
from schemas.ids import customer_id

_decode: Final = msgspec.json.Decoder(HeldEvents).decode
MOST: Final = 1_000


class HeldQuery(Struct, frozen=True, kw_only=True, rename="camel"):
    """How much of what waits."""

    limit: Annotated[
        int, Meta(ge=1, le=MOST, description="How many, at most: the soonest to be given up.", examples=[100])
    ] = 100


Run = Callable[[str, int], Coroutine[Any, Any, HeldEvents]]
"""Of a workspace, so many of them."""


class Holding:
    """``run``: one look; ``ask``: as ``Stored.rows``."""

    def __init__(self, run: Run, looks: Looks, ask: Ask) -> None:
        self._run = run
        self._looks = looks
        self._ask = ask

    async def of(self, request: Request, workspace_id: str, most: int) -> HeldEvents:
        """Without whoever was erased: a click does not know of it. Raises what ``ask`` raises, ``ApiError``,
        ``ClientGone``, and ``LookFailed``."""
        found = await self._looks.one(request, workspace_id, lambda: self._run(workspace_id, most))
        names = {one.customer_external_id for one in found.events}
        ours = {name: customer_id(workspace_id, name) for name in names}
        asked = {"ids": [*ours.values()], "workspace": workspace_id}
        rows = await self._ask(ERASED_AMONG, asked) if ours else ()
        erased = {row[0] for row in rows}
        shown = [one for one in found.events if ours[one.customer_external_id] not in erased]
        return replace(found, events=shown)


async def held_in_a_process(most_s: float, workspace_id: str, most: int) -> HeldEvents:
    """One look by a process of its own. Raises as ``in_a_process``."""
    asked = AskedHeld(workspace_id=workspace_id, most=most, most_s=most_s)
    told = await in_a_process(asked, "The workers hold too much to be looked through.")
    assert told is not None  # noqa: S101 - narrows: every workspace can be asked about
    return _decode(told)
