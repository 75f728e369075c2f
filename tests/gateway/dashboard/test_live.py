"""The dashboard's stream: rows as its lists have them, for whoever has signed in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from processors.clock import epoch_ms
from processors.gateway import streaming
from processors.gateway.answers import TryAgain
from processors.gateway.asking import NO_ANSWER
from processors.gateway.dashboard.sessions import begun
from processors.gateway.dashboard.signing_in import COOKIE
from processors.gateway.dashboard.views import EVENTS, EVENTS_LIVE, OVERVIEW, OVERVIEW_LIVE, PAGE
from processors.gateway.live import Live, Record
from processors.registry.contents import Holder
from processors.settings import Settings
from tests.gateway.dashboard.serving import OTHER, SECRET, Dashboard, failing, nothing, served, workspace
from tests.gateway.dashboard.test_pages import signed_in
from tests.gateway.live.test_streams import NOWHERE, click
from tests.gateway.test_wire import until

HOSTILE = "<img src=x onerror=alert(1)>"


def filled() -> Dashboard:
    """Reading has begun, and a test says what came."""
    live = Live(Settings())
    live.rings.begin(NOWHERE, NOWHERE)
    return Dashboard(nothing, live=live)


def come(dashboard: Dashboard, *records: Record) -> None:
    for one in records:
        dashboard.live.rings.add(one)
    dashboard.live.stir({"acme", "globex"})


@asynccontextmanager
async def watching(dashboard: Dashboard, path: str) -> AsyncIterator[AsyncIterator[str]]:
    """The lines that come."""
    session = begun(Holder(workspace(), SECRET.record), epoch_ms())
    async with (
        served(dashboard) as there,
        httpx.AsyncClient(base_url=there.url, cookies={COOKIE: session}) as client,
        client.stream("GET", path) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        yield answer.aiter_lines()


async def until_row(lines: AsyncIterator[str]) -> str:
    """The next message: all its rows."""
    data = list[str]()
    async for line in lines:
        if line.startswith("data: "):
            data.append(line.removeprefix("data: "))
        elif data and not line:
            return "\n".join(data)
    raise AssertionError("the stream has ended")


async def test_a_row_is_what_the_list_would_have() -> None:
    dashboard, now_ms = filled(), epoch_ms()
    about: dict[str, Any] = {"timestamp": now_ms, "country": "DE"}
    async with watching(dashboard, f"{EVENTS_LIVE}?country=DE&timezone=Asia/Kolkata") as lines:
        come(
            dashboard,
            click("theirs", workspace="globex", **about),
            click("elsewhere", timestamp=now_ms, country="AT"),
            click("long ago", country="DE"),
            click("ours", city=HOSTILE, key="x", linkId="l1", **about),
        )
        row = await until_row(lines)
    assert row.count("<tr") == 1
    assert f'data-id="clicks ours" data-at="{now_ms}"' in row
    # Its links lead to the page, and not to the stream.
    assert f'href="{EVENTS}?timezone=Asia/Kolkata&amp;' in row
    assert HOSTILE not in row
    assert "&lt;img" in row


async def test_it_begins_with_what_came_a_moment_ago_and_at_most_a_page() -> None:
    dashboard = filled()
    come(dashboard, *(click(f"c{number}", timestamp=epoch_ms()) for number in range(60)))
    async with watching(dashboard, OVERVIEW_LIVE) as lines:
        rows = await until_row(lines)
    assert rows.count("<tr") == PAGE
    assert "clicks c59" in rows
    assert 'clicks c9"' not in rows


async def test_it_ends_with_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "HEARTBEAT_S", 0.02)
    dashboard = filled()
    async with watching(dashboard, OVERVIEW_LIVE) as lines:
        await until(lambda: dashboard.live.watching == 1)
        dashboard.registry.put(workspace("acme", OTHER))
        async for line in lines:
            assert not line.startswith("data")
    assert dashboard.live.watching == 0


@pytest.mark.parametrize("path", [OVERVIEW_LIVE, EVENTS_LIVE])
async def test_nobody_watches_without_a_session(path: str) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=filled().app), base_url="http://localhost"
    ) as client:
        assert (await client.get(path)).status_code == 401


@pytest.mark.parametrize("page", [OVERVIEW, EVENTS])
async def test_a_list_that_its_store_did_not_tell_does_not_grow(page: str) -> None:
    """Whatever comes would load it anew, over and over, from a store that is in trouble."""
    async with signed_in(failing(TryAgain(NO_ANSWER))) as client:
        answer = await client.get(page)
    assert "ClickHouse did not answer" in answer.text
    assert "data-from" not in answer.text


@pytest.mark.parametrize(
    ("query", "grows"),
    [
        ("", True),
        ("?country=-DE&timezone=Asia/Tehran", True),
        ("?start=2025-01-01&end=2025-01-31", False),
        ("?saleType=new", False),
    ],
)
@pytest.mark.parametrize(("page", "live"), [(OVERVIEW, OVERVIEW_LIVE), (EVENTS, EVENTS_LIVE)])
async def test_a_list_grows_where_something_may_come(
    page: str, live: str, query: str, *, grows: bool
) -> None:
    async with signed_in(failing(AssertionError(), "nothing has this")) as client:
        answer = await client.get(page + query)
    assert (f'data-from="{live}' in answer.text) is grows
