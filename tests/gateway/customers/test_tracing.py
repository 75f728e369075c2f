"""Traces take seconds: one at a time and workspace, ended with whoever asked, and nobody else waits."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from processors.gateway import looking
from processors.gateway.answers import ApiError, Code, TryAgain
from processors.gateway.bodies import ClientGone
from processors.gateway.customers.tracing import Tracing, trace_in_a_process
from processors.gateway.looking import Looks
from processors.people.traced import Trace
from tests.gateway.customers.traces import trace
from tests.look_alikes import set_traps

Message = dict[str, object]


class Slow:
    """Traces that last until they are let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.began: list[str] = []
        self.cancelled: list[str] = []

    async def run(self, workspace_id: str, external_id: str) -> Trace | None:
        self.began.append(workspace_id)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.append(workspace_id)
            raise
        return trace(workspace_id, external_id)


def request(*messages: Message, then: Callable[[], Awaitable[Message]] | None = None) -> Request:
    """Of a client who sends these messages, and then waits."""
    left = [*messages]

    async def receive() -> Message:
        if left:
            return left.pop(0)
        return await then() if then else await asyncio.Event().wait() and {}

    return Request({"type": "http", "headers": []}, receive)


EMPTY: Message = {"type": "http.request", "body": b"", "more_body": False}


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - of what has no event
        await asyncio.sleep(0)


async def refusal(asking: Awaitable[Trace | None]) -> ApiError:
    with pytest.raises(ApiError) as refused:
        await asking
    return refused.value


async def test_one_at_a_time_and_workspace_and_a_few_in_all() -> None:
    slow = Slow()
    traces = Tracing(slow.run, Looks(2))
    waiting = [asyncio.create_task(traces.of(request(EMPTY), one, "ada")) for one in ("acme", "globex")]
    await until(lambda: len(slow.began) == 2)
    again = await refusal(traces.of(request(EMPTY), "acme", "bob"))
    assert (again.code, again.headers["Retry-After"]) == (Code.RATE_LIMIT_EXCEEDED, "2")
    third = await refusal(traces.of(request(EMPTY), "initech", "ada"))
    assert third.code is Code.SERVICE_UNAVAILABLE
    slow.go.set()
    assert [(await one).workspace_id for one in waiting] == ["acme", "globex"]
    assert (await traces.of(request(EMPTY), "acme", "bob")).customer_external_id == "bob"


async def test_it_ends_when_the_client_goes() -> None:
    slow, gone = Slow(), asyncio.Event()
    traces = Tracing(slow.run, Looks(1))

    async def leaves() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    asking = asyncio.create_task(traces.of(request(EMPTY, then=leaves), "acme", "ada"))
    await until(lambda: bool(slow.began))
    gone.set()
    with pytest.raises(ClientGone):
        await asking
    assert slow.cancelled == ["acme"]
    slow.go.set()
    await traces.of(request(EMPTY), "acme", "ada")


@pytest.mark.parametrize("status", ["unknown", None])
async def test_nobody_has_heard_of_him(status: str | None) -> None:
    async def run(workspace_id: str, external_id: str) -> Trace | None:
        return trace(workspace_id, external_id, status=status) if status else None

    assert (await refusal(Tracing(run, Looks(1)).of(request(EMPTY), "acme", "ada"))).code is Code.NOT_FOUND


async def test_whoever_was_erased_is_told_so() -> None:
    async def run(workspace_id: str, external_id: str) -> Trace | None:
        return trace(workspace_id, external_id, status="erased")

    assert (await Tracing(run, Looks(1)).of(request(EMPTY), "acme", "ada")).status == "erased"


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Servers that are not there, and no ``up`` that says where others are."""
    monkeypatch.setenv("LEADSTREAM_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("LEADSTREAM_CLICKHOUSE_URL", "http://127.0.0.1:1/x")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("unreachable")
async def test_a_process_that_reaches_nothing_says_so(caplog: pytest.LogCaptureFixture) -> None:
    error = await refusal(trace_in_a_process(60, "acme", "ada"))
    assert isinstance(error, TryAgain)
    assert "127.0.0.1" not in error.message
    (record,) = caplog.records
    assert record.__dict__["exit_code"] == 69


@pytest.mark.usefixtures("unreachable")
async def test_what_lies_where_a_gateway_is_started_is_not_taken_for_its_modules(tmp_path: Path) -> None:
    executed = set_traps(tmp_path)
    assert await trace_in_a_process(60, "acme", " ") is None
    assert not executed.exists()


async def test_a_bug_is_none_that_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "broken.py").write_text("raise ValueError('no such thing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(looking, "_MODULE", "broken")
    with pytest.raises(looking.LookFailed, match="no such thing"):
        await trace_in_a_process(60, "acme", "ada")
    (record,) = caplog.records
    assert "no such thing" in record.__dict__["error"]


@pytest.mark.parametrize("by", ["limit", "cancellation"])
async def test_a_process_ends_with_the_limit_and_with_whoever_waits(
    by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is."""
    (tmp_path / "endless.py").write_text("while True: pass")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(looking, "_MODULE", "endless")
    made: list[asyncio.subprocess.Process] = []
    make = asyncio.create_subprocess_exec

    async def noted(*command: Any, **options: Any) -> asyncio.subprocess.Process:
        made.append(await make(*command, **options))
        return made[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    asking = asyncio.create_task(trace_in_a_process(0.3 if by == "limit" else 600, "acme", "ada"))
    if by == "limit":
        assert "more than 0.3 s" in (await refusal(asking)).message
    else:
        await until(lambda: bool(made))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert made[0].returncode == -signal.SIGKILL
