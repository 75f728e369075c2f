"""No state is larger than its changelog takes, though all that is sent is as large as its limits allow."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from processors.attribution.bounds import Bounds
from processors.attribution.policy import Policy
from processors.engine import frame
from processors.settings import Settings
from processors.worker.run import layouts_of
from schemas.decoding import MAX_RECORD_BYTES
from schemas.events import MAX_METADATA_CHARACTERS
from schemas.times import DAY_MS
from tests.attribution.builders import T0, click, deferred, lead, purchase
from tests.model.simulate import Network, Record

POLICY: Final = Policy("first-click", 90 * DAY_MS, 365 * DAY_MS, DAY_MS)
BOUNDS: Final = POLICY.bounds
WIDE: Final = "\N{GRINNING FACE}"
"""Four bytes: nothing takes more."""
METADATA: Final = {"": WIDE * (MAX_METADATA_CHARACTERS - len('{"":""}'))}
BULK: Final = WIDE * (60_000)
"""As good as all of a record."""


def name(number: int, length: int = 255) -> str:
    """As long as an id or a name may be."""
    return f"{number:04}" + WIDE * (length - 4)


def clicks_and_touches() -> Iterator[Record]:
    """More touches than are kept, of clicks as large as a record."""
    for number in range(60):
        yield click(name(number, 64), 0, url=WIDE * 7_000, referer=WIDE * 1_000)
        yield deferred(name(number, 64), number, name(number), customerName=name(0, 100))


def leads() -> Iterator[Record]:
    """As many as there may be, each of a touch of its own."""
    for number in range(150):
        yield click(name(number, 64), 0, url=WIDE * 7_000, referer=WIDE * 1_000)
        yield lead(number, name(number), name(number, 64), eventId=name(number), metadata=METADATA)


def requests_that_wait() -> Iterator[Record]:
    yield from (lead(number, name(number), eventId=name(number), ignored=BULK) for number in range(150))


def purchases_that_wait() -> Iterator[Record]:
    yield from (purchase(number, invoiceId=name(number), ignored=BULK) for number in range(160))


def sales() -> Iterator[Record]:
    """Very many, the last ones with everything that a sale may say."""
    yield from [click("c1", 0), lead(0, click_id="c1")]
    yield from (purchase(number, invoiceId=name(number, 9)) for number in range(1_000))
    for number in range(250):
        yield purchase(1_000 + number, invoiceId=name(number), eventId=name(number), metadata=METADATA)


def lead_events_that_wait_for_a_click() -> Iterator[Record]:
    yield from (deferred("c1", number, ignored=BULK, customerExternalId=str(number)) for number in range(150))
    yield click("c1", 0, url=WIDE * 7_000)
    yield from (deferred("c1", number, customerExternalId=name(number, 100)) for number in range(150))


def news_of_clicks() -> Iterator[Record]:
    """Clicks that were small when they were joined turn out to be large."""
    for number in range(120):
        yield click(f"c{number}", 5)
        yield lead(number, f"n{number}", f"c{number}", metadata=METADATA)
    for number in range(120):
        yield click(f"c{number}", 0, url=WIDE * 30_000)


SENT: Final[tuple[Callable[[], Iterator[Record]], ...]] = (
    clicks_and_touches,
    leads,
    requests_that_wait,
    purchases_that_wait,
    sales,
    lead_events_that_wait_for_a_click,
    news_of_clicks,
)


def largest(network: Network) -> int:
    """Of the states, as they are stored."""
    return max(len(frame.wrap(raw, 0, 0)) for raw in network.states().values())


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.__name__)
def test_no_state_is_larger_than_its_bound(sent: Callable[[], Iterator[Record]]) -> None:
    network, seen = Network(POLICY, T0), 0
    for number, record in enumerate(sent()):
        assert len(record.value) <= MAX_RECORD_BYTES
        network.send(record)
        if number % 50 == 0:
            seen = max(seen, largest(network))
    # Of a click, beside what waits for it, its own content and who named it.
    assert max(seen, largest(network)) <= BOUNDS.state_bytes + MAX_RECORD_BYTES


def test_what_the_bounds_allow_fits_into_the_changelogs() -> None:
    """With room to spare: the key, the batch around it, and states of other keys in one request."""
    changelogs = [one for one in layouts_of(Settings()) if one.name.endswith("-changelog")]
    assert len(changelogs) == 2
    for changelog in changelogs:
        assert 2 * (Bounds().state_bytes + MAX_RECORD_BYTES) <= int(changelog.configs["max.message.bytes"])
