"""CSV files of what pages show."""

from typing import Final

from processors.gateway.analytics import counts
from processors.gateway.answers import Answer
from processors.gateway.asking import Ask
from processors.gateway.bodies import while_read
from processors.gateway.dashboard import csvs, numbers
from processors.gateway.dashboard.customers import wanted_people
from processors.gateway.dashboard.views import Visit
from processors.gateway.spreadsheets import lines

MOST_GROUPS: Final = 100_000


class Exports:
    """Handlers. ``ask``: without the haste of a page."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def series(self, visit: Visit) -> Answer:
        """A line for each bucket of the chart."""
        period = visit.period()
        found = await counts.series(self._ask, visit.scope(period), period)
        content = lines(csvs.series_lines(found, period))
        return csvs.answer(content, csvs.file_name(visit.workspace_id, "series", period, visit.state))

    async def groups(self, visit: Visit) -> Answer:
        """All values of the field by which is broken down."""
        period, field = visit.period(), visit.state["groupBy"]
        found = await numbers.groups(self._ask, visit.scope(period), field, MOST_GROUPS)
        content = lines(csvs.group_lines(field, found))
        return csvs.answer(content, csvs.file_name(visit.workspace_id, field, period, visit.state))

    async def events(self, visit: Visit) -> Answer:
        """All events, however many."""
        period, kind = visit.period(), visit.state["kind"]
        parts = csvs.event_lines(self._ask, visit.scope(period), kind, visit.state.zone)
        name = csvs.file_name(visit.workspace_id, f"events-{kind}", period, visit.state)
        return csvs.answer(while_read(visit.call.request, parts), name)

    async def customers(self, visit: Visit) -> Answer:
        """All of a list, however long."""
        wanted, scope = wanted_people(visit)
        parts = csvs.people_lines(self._ask, scope, wanted, visit.now_ms, visit.state.zone)
        when = visit.period() if wanted.clicked else visit.now.date()
        what = f"customers-{wanted.status}" if wanted.status else "customers"
        return csvs.answer(
            while_read(visit.call.request, parts), csvs.file_name(visit.workspace_id, what, when, visit.state)
        )

    async def refused(self, visit: Visit) -> Answer:
        """All that was not counted, or what was not for one reason."""
        period, reason = visit.period(), visit.given.get("reason", "")
        parts = csvs.refused_lines(self._ask, visit.scope(period), reason, visit.state.zone)
        what = f"not-counted-{reason}" if reason else "not-counted"
        return csvs.answer(
            while_read(visit.call.request, parts),
            csvs.file_name(visit.workspace_id, what, period, visit.state),
        )
