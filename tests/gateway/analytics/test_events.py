"""Pages of events, and a file of them."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from processors.gateway.analytics.event import Event
from processors.gateway.analytics.routes import analytics_routes
from processors.gateway.answers import Answer
from processors.gateway.asking import Row
from processors.gateway.links.calls import Shown
from processors.gateway.links.counters import LinkCounters
from processors.gateway.live import Live
from processors.registry.store import RegistryStore
from processors.settings import Settings
from tests.gateway.links.world import NOW_MS, PUBLIC_URL, MemoryStore, called


def click(number: int) -> Row:
    """Of ClickHouse."""
    said: dict[str, Any] = dict.fromkeys(Event._fields, "") | {"id": f"c{number}", "click_id": f"c{number}"}
    numbers = dict.fromkeys(("clicked_ms", "quantity", "revision", "customer_since_ms", "amount"), 0)
    return Event(**said | numbers | {"at_ms": NOW_MS - number, "qr": False})


async def asked(stored: int, what: str, **headers: str) -> Answer:
    async def ask(sql: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        if "most" not in parameters:
            return []
        return [click(number) for number in range(stored)][: int(cast(int, parameters["most"]))]

    store = cast(RegistryStore, MemoryStore())
    routes = analytics_routes(ask, store, Shown(LinkCounters(ask), PUBLIC_URL), Live(Settings()))
    return cast(Answer, await called(routes, f"GET {what}", headers=headers))


@pytest.mark.parametrize(("stored", "shown", "following"), [(2, 2, False), (3, 3, False), (4, 3, True)])
async def test_only_a_page_behind_which_there_is_more_names_the_next(
    stored: int, shown: int, following: bool
) -> None:
    answer = await asked(stored, "/events?event=clicks&limit=3")
    assert len(answer.content) == shown
    assert answer.headers == ({"X-Next-Cursor": f"{NOW_MS - 2}.c2"} if following else {})


async def test_a_file_of_them_is_kept_by_whoever_asked_alone() -> None:
    answer = await asked(1, "/events?event=clicks", accept="text/csv")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert 'attachment; filename="clicks-acme-' in answer.headers["Content-Disposition"]
