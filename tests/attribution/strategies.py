"""Small histories: few customers, few clicks, and times around the edges of the windows.

The domain is small on purpose: with three clicks, two customers and a few moments, duplicates, ties, late
facts and window edges meet in almost every example. In every tuple of choices the plain ones come first
(hypothesis shrinks towards them) and the likely ones more than once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from math import prod
from typing import Any, Final

from hypothesis import strategies as st

from processors.attribution.bounds import Bounds
from processors.attribution.policy import AttributionModel
from schemas.topics import Topic
from tests.attribution.builders import implicit, policy, record
from tests.model.simulate import Record

Fields = Mapping[str, object]

MODELS: Final = st.sampled_from(list[AttributionModel](["first-click", "last-click"]))
COUNTS: Final = tuple(one.name for one in fields(Bounds) if one.name != "state_bytes")
STATE_BYTES: Final = st.sampled_from((1_000, 20_000))
BOUNDS: Final = st.one_of(
    # None of them within reach; all within reach of every history; some, lest the others hide what they do.
    st.just(Bounds()),
    st.builds(Bounds, **dict.fromkeys(COUNTS, st.integers(1, 3)), state_bytes=STATE_BYTES),
    st.builds(Bounds, **dict.fromkeys(COUNTS, st.sampled_from((1_000, 1_000, 1_000, 1, 2, 3)))),
)
POLICIES: Final = st.builds(lambda model, bounds: replace(policy(model), bounds=bounds), MODELS, BOUNDS)

WORKSPACES: Final = ("w1", "w1", "w1", "w1", "w2")
CUSTOMERS: Final = ("ann", "ann", "ann", "bob")
CLICK_IDS: Final = ("c1", "c1", "c2", "c2", "c3")

CLICK_TIMES: Final = (0, 0, 1, 60)
TIMES: Final = (10, 10, 60, 60, 0, 2, 100, -50, 110, 150, 200, 203, 101, -51, 9, 210, 211, 260, 261)
"""Of lead events and purchases. For a click at 0 the attribution window is [−50, 100], for one at 60 it is
[10, 160]; for a request at 10 a touch may be as late as 60; for one at 210 as early as 10, for 211 not."""

CLICKS: Final[Sequence[Fields]] = (
    {},
    {},
    {"country": "DE", "linkId": "l1", "domain": "go.example", "key": "k", "partnerId": "p1", "qr": 1},
    {"linkId": "l3", "domain": "go.example", "key": "_root"},
    {"city": "Ulm", "trackConversion": True},
    {"city": "", "country": " ", "linkId": "\n", "trackConversion": True},
    {"trackConversion": False},
    {"bot": True},
)
BOTS: Final = CLICKS[-1:]
EVENT_NAMES: Final = ("Sign Up", "Sign Up", "sign  UP", "sign-up", "Demo")
DEFERRED: Final[Sequence[Fields]] = ({"mode": "deferred"},)
REQUEST: Final[Sequence[Fields]] = ({}, {"mode": None}, {"mode": "wait"}, {"mode": "async"})
DETAILS: Final[Sequence[Fields]] = (
    {},
    {},
    {"customerName": "Ann"},
    {"customerName": "Bo", "customerEmail": "bo@example.com", "customerAvatar": ""},
    {"customerName": " ", "customerEmail": "", "eventId": "\t", "eventQuantity": 3.0},
    {"eventQuantity": 3, "metadata": {"plan": "pro"}},
    {"eventId": "e1"},
    {"eventId": "e2", "metadata": {}},
)
PURCHASES: Final[Sequence[Fields]] = (
    {},
    {"amount": 7, "currency": "EUR", "metadata": {"seats": 2}},
    {"invoiceId": "i1"},
    {"invoiceId": "i1", "amount": 5.0, "paymentProcessor": " "},
    {"eventId": "i1"},
    {"eventId": "e1", "invoiceId": "i1"},
    {"eventId": "e1", "paymentProcessor": "stripe", "eventName": "Renewal"},
    {"leadEventName": "SIGN UP"},
    {"leadEventName": "demo", "invoiceId": "i2"},
    {"leadEventName": "sign-up", "invoiceId": "i2"},
    {"invoiceId": "i2"},
)


def one_of_each(*choices: Sequence[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """One element of each, in a single draw: ten times as fast as a draw for each."""

    def pick(number: int) -> tuple[Any, ...]:
        picked = []
        for choice in choices:
            number, position = divmod(number, len(choice))
            picked.append(choice[position])
        return tuple(picked)

    return st.integers(0, prod(map(len, choices)) - 1).map(pick)


def clicks(
    times: Sequence[int] = CLICK_TIMES, details: Sequence[Fields] = CLICKS
) -> st.SearchStrategy[Record]:
    """Any click; two with one clickId rarely agree."""
    return one_of_each(WORKSPACES, CLICK_IDS, times, details).map(
        lambda one: record(Topic.CLICKS, one[2], workspaceId=one[0], clickId=one[1], **one[3])
    )


def lead_events(times: Sequence[int] = TIMES) -> st.SearchStrategy[Record]:
    """Any lead event: deferred with a click, request with or without one, now and then deferred without."""

    def build(
        one: tuple[str, str, str, int, Fields, str | None, Fields, bool],
    ) -> Record:
        workspace, customer, name, at, detail, click_id, mode, has_time = one
        event = record(
            Topic.DEFERRED_LEADS if click_id else Topic.QUALIFICATIONS,
            at,
            workspaceId=workspace,
            customerExternalId=customer,
            eventName=name,
            clickId=click_id,
            **mode,
            **detail,
        )
        return event if has_time else implicit(event)

    common = (WORKSPACES, CUSTOMERS, EVENT_NAMES, times, DETAILS)
    has_time = (True, True, True, True, False)
    return st.one_of(
        one_of_each(*common, CLICK_IDS, DEFERRED, has_time).map(build),
        one_of_each(*common, (None,), (*REQUEST, *REQUEST, *DEFERRED), has_time).map(build),
        one_of_each(*common, CLICK_IDS, REQUEST, has_time).map(build),
    )


def purchases(
    times: Sequence[int] = TIMES, details: Sequence[Fields] = PURCHASES
) -> st.SearchStrategy[Record]:
    """Any purchase: with an invoiceId, an eventId or neither, perhaps naming its lead."""
    return one_of_each(WORKSPACES, CUSTOMERS, times, details).map(
        lambda one: record(
            Topic.PURCHASES,
            one[2],
            **({"workspaceId": one[0], "customerExternalId": one[1], "amount": 100} | dict(one[3])),
        )
    )


def erasures() -> st.SearchStrategy[Record]:
    """Somebody is to be forgotten."""
    return one_of_each(WORKSPACES, CUSTOMERS).map(
        lambda one: record(Topic.ERASURES, 0, workspaceId=one[0], customerExternalId=one[1])
    )


def known_clicks() -> st.SearchStrategy[list[Record]]:
    """No two of them in conflict: each (workspace, clickId) has one content, which a bot may share."""
    places = (("w1", "c1"), ("w1", "c2"), ("w2", "c1"), ("w1", "c3"), ("w1", "c1"), ("w1", "c3"))
    contents = [*([CLICKS[:-1]] * 4), *([BOTS] * 2)]
    times = (*CLICK_TIMES, None)

    def build(one: tuple[Any, ...]) -> list[Record]:
        return [
            record(Topic.CLICKS, at, workspaceId=workspace, clickId=click_id, **detail)
            for (workspace, click_id), at, detail in zip(places, one[:6], one[6:], strict=True)
            if at is not None
        ]

    bots = (None, None, None, 0)
    return one_of_each(times, times, times, times, bots, bots, *contents).map(build)


@st.composite
def histories(draw: st.DrawFn) -> list[Record]:
    """Events in order of arrival, some of them twice, without click conflicts."""
    history = draw(st.lists(st.one_of(lead_events(), lead_events(), purchases()), min_size=2, max_size=16))
    if draw(st.integers(0, 9)) == 9:
        history.append(draw(erasures()))
    some_clicks = draw(known_clicks())
    again = draw(st.lists(st.integers(0, 30), max_size=3))
    history += [(some_clicks + history)[number % (len(some_clicks) + len(history))] for number in again]
    places = draw(st.lists(st.integers(0, 15), min_size=len(some_clicks), max_size=len(some_clicks)))
    for place, click in zip(places, some_clicks, strict=True):
        history.insert(place, click)
    return [replace(one, offset=offset) for offset, one in enumerate(history)]


@st.composite
def histories_with_conflicts(draw: st.DrawFn) -> list[Record]:
    """Clicks in conflict, all of which make touches, so that no lead can be lost; and no sale either."""
    conflicting = clicks(times=(0, 1, 2), details=({}, {"country": "DE"}, {"city": "Ulm"}))
    some_clicks = draw(st.lists(conflicting, min_size=2, max_size=6))
    unnamed = [detail for detail in PURCHASES if "leadEventName" not in detail]
    others = st.one_of(
        lead_events(times=(10, 20, 30, 40)),
        lead_events(times=(10, 20, 30, 40)),
        purchases(times=(60, 70), details=unnamed),
    )
    history = draw(st.permutations(some_clicks + draw(st.lists(others, min_size=1, max_size=8))))
    return [replace(one, offset=offset) for offset, one in enumerate(history)]
