"""From when on nothing changes any more whom a lead belongs to: the rule of docs/consuming.md."""

from collections.abc import Sequence
from operator import itemgetter

from hypothesis import given
from hypothesis import strategies as st

from processors.attribution.policy import AttributionModel
from schemas.results import Lead
from tests.attribution.builders import HOLD, T0, click, deferred, lead, policy
from tests.attribution.effort import examples
from tests.attribution.strategies import MODELS, clicks, histories, lead_events
from tests.model.simulate import Network, Output, Record

LATE = 30
"""Milliseconds that an event may take from its own time to the workers."""
CLOSE = st.lists(
    st.one_of(clicks(times=(0, 58, 60), details=({},)), lead_events(times=(8, 10, 30))),
    min_size=3,
    max_size=8,
)
"""Sign-ups of about one moment, whose clicks are much earlier or as late as they may be."""
DELAYS = st.lists(st.sampled_from((0, LATE, LATE // 2, 1, LATE - 1)), min_size=1)


class Reader:
    """Who waits until a lead's click has stood for hold and lateness, and then pays."""

    def __init__(self) -> None:
        #: Click and since when it stands, by lead.
        self.known: dict[str, tuple[str, int]] = {}
        self.longest_ms = 0

    def read(self, outputs: list[Output], now_ms: int) -> None:
        for one in outputs:
            if isinstance(one, Lead):
                before, since_ms = self.known.get(one.lead_id, (one.click.id, now_ms))
                if before != one.click.id:
                    self.longest_ms = max(self.longest_ms, now_ms - since_ms)
                    since_ms = now_ms
                self.known[one.lead_id] = one.click.id, since_ms


def longest(model: AttributionModel, arrivals: Sequence[tuple[int, Record]]) -> int:
    """For how long a click stood at most before another took its place. ``arrivals``: in order of time."""
    system, reader = Network(policy(model), arrivals[0][0]), Reader()
    for now_ms, record in arrivals:
        while (due := min(system.due(), default=now_ms)) < now_ms:
            reader.read(system.advance(due), due)
        reader.read(system.advance(now_ms) + system.send(record), now_ms)
    reader.read(system.drain(), system.now_ms)
    return reader.longest_ms


@examples(400)
@given(MODELS, st.one_of(histories(), CLOSE), DELAYS)
def test_who_waits_for_the_hold_and_the_latest_event_pays_the_right_one(
    model: AttributionModel, records: list[Record], delays: list[int]
) -> None:
    late = [(one.timestamp + delays[at % len(delays)], one) for at, one in enumerate(records)]
    assert longest(model, sorted(late, key=itemgetter(0))) <= HOLD + LATE


def test_neither_is_enough_alone() -> None:
    """Two sign-ups of one moment; of the second the click was late, and recorded by a clock that is ahead."""
    first = [(0, click("c2", 0)), (10, deferred("c2", 10)), (10, lead(10))]
    second = [(40, deferred("c1", 10)), (60 + LATE - 1, click("c1", 60))]
    assert longest("first-click", [(T0 + at, one) for at, one in first + second]) == HOLD + LATE - 1
