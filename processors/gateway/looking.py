"""Looks into what workers hold: seconds of work each, done elsewhere, so that nobody else waits for them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request

from processors.errors import ExitCode
from processors.gateway.answers import ApiError, Code, TryAgain
from processors.gateway.bodies import while_waited_for
from processors.people.traced import Asked, AskedHeld
from processors.programs import isolated

log = logging.getLogger(__name__)

T = TypeVar("T")
_MODULE: Final = "processors.people.answering"
_RETRY_AFTER_S: Final = 2
_FEW: Final = {"Retry-After": str(_RETRY_AFTER_S)}


class LookFailed(Exception):
    """For another reason than that servers are away: to try again does not help."""


class Looks:
    """``most``: how many at once; of one workspace, one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._under_way: set[str] = set()

    async def one(self, request: Request, workspace_id: str, look: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Ends with the client's patience. Raises ``ApiError``, ``ClientGone``, and what ``look`` raises."""
        if workspace_id in self._under_way:
            raise ApiError(
                Code.RATE_LIMIT_EXCEEDED,
                "A trace of this workspace, or a look at what is held, is under way: one at a time."
                " Try again when it is done.",
                _FEW,
            )
        if len(self._under_way) >= self._most:
            raise TryAgain(
                f"{self._most} traces are under way, or looks at what is held. Try again in a moment."
            )
        self._under_way.add(workspace_id)
        try:
            return await while_waited_for(request.receive, look())
        finally:
            self._under_way.discard(workspace_id)


async def in_a_process(asked: Asked | AskedHeld, by_hand: str) -> bytes | None:
    """The answer of a process of its own, which is ended after ``most_s`` and when this is cancelled.

    None: nothing can be asked like that. ``by_hand``: what else there is when it takes too long. Raises
    ``TryAgain``, and :class:`LookFailed`.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*isolated(_MODULE), stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(asked.most_s):
            told, failure = await process.communicate(msgspec.json.encode(asked))
    except TimeoutError:
        raise TryAgain(f"This takes more than {asked.most_s:g} s. {by_hand}") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == ExitCode.USAGE:
        return None
    if not process.returncode:
        return told
    error = failure.decode(errors="replace")[-500:]
    log.warning("a look failed", extra={"exit_code": process.returncode, "error": error})
    if process.returncode == ExitCode.UNAVAILABLE:
        raise TryAgain("What the workers hold could not be read. Try again in a moment.")
    raise LookFailed(f"exit code {process.returncode}: {error}")
