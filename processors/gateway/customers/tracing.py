"""Traces of customers."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec
from starlette.requests import Request

from processors.gateway.answers import ApiError, Code
from processors.gateway.looking import Looks, in_a_process
from processors.people.traced import Asked, Trace

_decode: Final = msgspec.json.Decoder(Trace).decode
_NOT_THERE: Final = (
    "Nothing is known of this customer. Ids that differ in upper and lower case are different customers;"
    " events that were sent a moment ago may not be processed yet."
)


Run = Callable[[str, str], Coroutine[Any, Any, Trace | None]]
"""Of a workspace and the external id of a customer."""


class Tracing:
    """``run``: one trace; None: no event can name such a customer."""

    def __init__(self, run: Run, looks: Looks) -> None:
        self._run = run
        self._looks = looks

    async def of(self, request: Request, workspace_id: str, external_id: str) -> Trace:
        """Raises ``ApiError``, ``ClientGone``, and ``LookFailed``."""
        trace = await self._looks.one(request, workspace_id, lambda: self._run(workspace_id, external_id))
        if trace is None or not trace.known:
            raise ApiError(Code.NOT_FOUND, _NOT_THERE)
        return trace


async def trace_in_a_process(most_s: float, workspace_id: str, external_id: str) -> Trace | None:
    """One trace by a process of its own. None: no event can name such a customer. Raises as
    ``in_a_process``."""
    asked = Asked(workspace_id=workspace_id, customer_external_id=external_id, most_s=most_s)
    told = await in_a_process(asked, "`leadstream trace`, on the server, has no limit.")
    return None if told is None else _decode(told)
