"""What is asked of ClickHouse about people: its log is to name nobody."""

from collections.abc import Mapping, Sequence

from processors.gateway.analytics.scopes import Scope
from processors.gateway.asking import Row
from processors.gateway.dashboard.events import ALL, newest
from processors.gateway.dashboard.people import Wanted, people, person, revisions
from processors.gateway.dashboard.refusals import refused_events

ANN = "ann@example.com"


class Asked:
    """Notes the questions, and knows nothing."""

    def __init__(self) -> None:
        self.questions: list[tuple[str, Mapping[str, object]]] = []

    async def __call__(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        self.questions.append((sql, parameters))
        return []


async def test_who_is_asked_about_is_not_named() -> None:
    asked, scope = Asked(), Scope("acme", 0, 1)
    await person(asked, "acme", ANN)
    await revisions(asked, "acme", ANN, 9)
    await newest(asked, scope, ALL, 9, customer=ANN)
    await refused_events(asked, scope, customer=ANN)
    assert len(asked.questions) == 4
    assert [one for one in asked.questions if ANN in str(one)] == []


async def test_a_search_is_not_logged() -> None:
    asked, scope = Asked(), Scope("acme", 0, 1)
    for search in (ANN, ""):
        await people(asked, scope, Wanted(search=search), 0, 9)
    searched, listed = (sql for sql, _ in asked.questions)
    assert searched.rstrip().endswith("SETTINGS log_queries = 0")
    assert "SETTINGS" not in listed
