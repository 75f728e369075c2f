"""No state is larger than its changelog takes, though all that is sent is as large as its limits allow."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest
from msgspec.inspect import Metadata, StrType, type_info

from processors.attribution.bounds import Bounds
from processors.attribution.policy import Policy
from processors.engine import frame
from processors.settings import Settings
from processors.worker.run import layouts_of
from schemas.decoding import MAX_RECORD_BYTES
from schemas.events import MAX_METADATA_CHARACTERS, Click, LeadEvent, Purchase
from schemas.times import DAY_MS
from schemas.topics import Topic
from tests.attribution.builders import T0, click, lead, purchase, record
from tests.model.simulate import Network, Record

POLICY: Final = Policy("first-click", 90 * DAY_MS, 365 * DAY_MS, DAY_MS)
BOUNDS: Final = POLICY.bounds
WIDE: Final = "\N{GRINNING FACE}"
"""Four bytes: nothing takes more."""
METADATA: Final = {"": WIDE * (MAX_METADATA_CHARACTERS - len('{"":""}'))}
BULK: Final = WIDE * 60_000
"""As good as all of a record."""


Kind = type[Click] | type[LeadEvent] | type[Purchase]


def limits(kind: Kind) -> Iterator[tuple[str, int]]:
    """The texts of an event that are of a free choice, and how long each may be."""
    for field in type_info(kind).fields:  # type: ignore[attr-defined]
        left = [field.type]
        while left:
            found = left.pop()
            left += getattr(found, "types", ()) or ([found.type] if isinstance(found, Metadata) else [])
            if isinstance(found, StrType) and found.max_length is not None:
                yield field.encode_name, found.max_length


LIMITS: Final[dict[Kind, dict[str, int]]] = {
    kind: dict(limits(kind)) for kind in (Click, LeadEvent, Purchase)
}
NOT_FREE: Final = ("currency", "externalId", "customerId")
"""Three letters; other names of one id."""


def text(number: int, length: int) -> str:
    return f"{number:04}" + WIDE * (length - 4)


def full(kind: Kind, number: int) -> dict[str, object]:
    """As long as every text may be, each unlike that of another number."""
    return {name: text(number, length) for name, length in LIMITS[kind].items() if name not in NOT_FREE}


def full_click(number: int) -> Record:
    return record(Topic.CLICKS, 0, **full(Click, number))


def full_lead(number: int, **fields: object) -> Record:
    """Of one customer, who names a click."""
    said = full(LeadEvent, number) | {"customerExternalId": "ann", "metadata": METADATA}
    return record(Topic.DEFERRED_LEADS, number, **(said | fields))


def full_purchase(number: int) -> Record:
    said = full(Purchase, number) | {"customerExternalId": "ann", "metadata": METADATA}
    return record(Topic.PURCHASES, number, amount=2**63 - 1, **said)


def clicks_and_touches() -> Iterator[Record]:
    """More touches than are kept, of clicks as large as a record."""
    for number in range(60):
        yield full_click(number)
        yield full_lead(number, mode="deferred")


def leads() -> Iterator[Record]:
    """As many as there may be, each of a touch of its own."""
    for number in range(150):
        yield full_click(number)
        yield full_lead(number)


def requests_that_wait() -> Iterator[Record]:
    for number in range(150):
        event = full(LeadEvent, number) | {"customerExternalId": "ann", "clickId": None, "ignored": BULK}
        yield record(Topic.QUALIFICATIONS, number, **event)


def purchases_that_wait() -> Iterator[Record]:
    yield from (
        purchase(number, **full(Purchase, number) | {"customerExternalId": "ann", "ignored": BULK})
        for number in range(160)
    )


def sales() -> Iterator[Record]:
    """Very many, the last ones with everything that a sale may say."""
    yield from [click("c1", 0), lead(0, click_id="c1")]
    yield from (purchase(number, invoiceId=text(number, 9)) for number in range(1_000))
    yield from (full_purchase(1_000 + number) for number in range(250))


def lead_events_that_wait_for_a_click() -> Iterator[Record]:
    """Of as many customers, and then as many more, who are remembered with the click."""
    the_click = {"clickId": text(0, LIMITS[Click]["clickId"])}
    for number in range(150):
        yield record(Topic.DEFERRED_LEADS, 0, **(full(LeadEvent, number) | the_click | {"ignored": BULK}))
    yield full_click(0)
    for number in range(150, 300):
        yield record(Topic.DEFERRED_LEADS, 0, **(full(LeadEvent, number) | the_click))


def news_of_clicks() -> Iterator[Record]:
    """Clicks that were small when they were joined turn out to be large."""
    for number in range(120):
        yield click(text(number, LIMITS[Click]["clickId"]), 5)
        yield full_lead(number)
    yield from (full_click(number) for number in range(120))


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
    for number, one in enumerate(sent()):
        assert len(one.value) <= MAX_RECORD_BYTES
        network.send(one)
        if number % 50 == 0:
            seen = max(seen, largest(network))
    seen = max(seen, largest(network))
    # Of a click, beside what waits for it, its own content and who named it.
    assert seen <= BOUNDS.state_bytes + MAX_RECORD_BYTES
    # Touches alone are too few to come near.
    assert seen > BOUNDS.state_bytes * 0.9 or sent is clicks_and_touches


def test_what_the_bounds_allow_fits_into_the_changelogs() -> None:
    """With room to spare: the key, the batch around it, and states of other keys in one request."""
    changelogs = [one for one in layouts_of(Settings()) if one.name.endswith("-changelog")]
    assert len(changelogs) == 2
    for changelog in changelogs:
        assert 2 * (Bounds().state_bytes + MAX_RECORD_BYTES) <= int(changelog.configs["max.message.bytes"])
