"""Traces of customers: seconds of work each, done elsewhere, so that nobody else waits for them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec
from starlette.requests import Request

from processors.errors import ExitCode
from processors.gateway.answers import ApiError, Code, TryAgain
from processors.gateway.bodies import while_waited_for
from processors.people.traced import Asked, Trace
from processors.programs import isolated

log = logging.getLogger(__name__)

_MODULE: Final = "processors.people.answering"
_RETRY_AFTER_S: Final = 2
_FEW: Final = {"Retry-After": str(_RETRY_AFTER_S)}
_decode: Final = msgspec.json.Decoder(Trace).decode
_NOT_THERE: Final = (
    "Nothing is known of this customer. Ids that differ in upper and lower case are different customers;"
    " events that were sent a moment ago may not be processed yet."
)


Run = Callable[[str, str], Coroutine[Any, Any, Trace | None]]
"""Of a workspace and the external id of a customer."""


class TraceFailed(Exception):
    """For another reason than that servers are away: to try again does not help. ``str()``: for the log."""


class Tracing:
    """``run``: one trace; None: no event can name such a customer. ``most``: how many at once; of one
    workspace, one."""

    def __init__(self, run: Run, most: int) -> None:
        self._run = run
        self._most = most
        self._under_way: set[str] = set()

    async def of(self, request: Request, workspace_id: str, external_id: str) -> Trace:
        """Ends with the client's patience, too. Raises ``ApiError``, ``ClientGone``, :class:`TraceFailed`."""
        if workspace_id in self._under_way:
            raise ApiError(
                Code.RATE_LIMIT_EXCEEDED,
                "A trace of this workspace is under way: one at a time. Try again when it is done.",
                _FEW,
            )
        if len(self._under_way) >= self._most:
            raise TryAgain(f"{self._most} traces are under way. Try again in a moment.")
        self._under_way.add(workspace_id)
        try:
            trace = await while_waited_for(request.receive, self._run(workspace_id, external_id))
        finally:
            self._under_way.discard(workspace_id)
        if trace is None or not trace.known:
            raise ApiError(Code.NOT_FOUND, _NOT_THERE)
        return trace


async def in_a_process(most_s: float, workspace_id: str, external_id: str) -> Trace | None:
    """One trace by a process of its own, which is ended after ``most_s`` and when this is cancelled.

    None: no event can name such a customer. Raises ``TryAgain``, and :class:`TraceFailed`.
    """
    asked = Asked(workspace_id=workspace_id, customer_external_id=external_id, most_s=most_s)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*isolated(_MODULE), stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(most_s):
            told, failure = await process.communicate(msgspec.json.encode(asked))
    except TimeoutError:
        raise TryAgain(
            f"This trace takes more than {most_s:g} s. `leadstream trace`, on the server, has no limit."
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == ExitCode.USAGE:
        return None
    if not process.returncode:
        return _decode(told)
    error = failure.decode(errors="replace")[-500:]
    if process.returncode == ExitCode.UNAVAILABLE:
        log.warning("a trace failed", extra={"exit_code": process.returncode, "error": error})
        raise TryAgain("Neither the workers' state nor ClickHouse could be read. Try again in a moment.")
    raise TraceFailed(f"exit code {process.returncode}: {error}")
