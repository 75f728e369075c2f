"""What waits for another event, and so is not counted yet."""

from typing import Final

from processors.gateway.answers import Answer
from processors.gateway.dashboard import words
from processors.gateway.dashboard.reasons import WAITS
from processors.gateway.dashboard.views import HELD, Door, Visit
from processors.gateway.outcomes.held import Holding
from schemas.times import parse_rfc3339

_MOST: Final = 200


class Held:
    """Handler."""

    def __init__(self, door: Door, holding: Holding) -> None:
        self._door = door
        self._holding = holding

    async def show(self, visit: Visit) -> Answer:
        """Takes seconds. What cannot be said now is a page that says so."""
        found = await self._holding.of(visit.call.request, visit.workspace_id, _MOST)

        def moment(written: str) -> object:
            return words.moment_of(parse_rfc3339(written), visit.now)

        def wait(since: str, until: str) -> str:
            return words.duration((parse_rfc3339(until) - parse_rfc3339(since)) / 1000)

        told = visit.told(
            HELD,
            "Waiting",
            None,
            held=found,
            waits=WAITS,
            moment=moment,
            left=lambda until: wait(found.as_of, until),
            in_all=sum(found.reasons.values()),
        )
        return self._door.pages.answer(visit.call.request, "held.html", told)
