"""Memory beside a model that forgets nothing, and what it claims to have when it forgets."""

from dataclasses import dataclass, field
from itertools import count

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from processors.gateway.facts.entries import ClickEntry, SaleEntry
from processors.gateway.facts.recent import Recent
from schemas.events import Click, LeadEvent, Purchase
from schemas.ids import customer_id
from schemas.times import HOUR_MS
from tests.registry.links import link

_PLACES = [TopicPartition("a", 0), TopicPartition("b", 0)]
_PLENTY = 1 << 40
_LITTLE = 1 << 13
LINK_1, LINK_2 = link(1), link(2)


def click(click_id: str, **fields: object) -> Click:
    return Click(workspace_id="acme", click_id=click_id, **fields)  # type: ignore[arg-type]


def lead_event(customer: str, **fields: object) -> LeadEvent:
    return LeadEvent(
        workspace_id="acme",
        customer_external_id=customer,
        event_name="Sign up",
        **fields,  # type: ignore[arg-type]
    )


@dataclass
class Model:
    """Every record ever read: place, offset and what it named."""

    recent: Recent
    ends: dict[TopicPartition, int] = field(default_factory=lambda: dict.fromkeys(_PLACES, 0))
    clicks: dict[str, list[tuple[TopicPartition, int, int]]] = field(default_factory=dict)
    named: dict[str, list[tuple[TopicPartition, int]]] = field(default_factory=dict)

    def read_click(self, place: TopicPartition, click_id: str, at_ms: int) -> None:
        self.clicks.setdefault(click_id, []).append((place, self.ends[place], at_ms))
        self.recent.add_click(click(click_id), at_ms, LINK_1, None)
        self._next(place)

    def read_lead_event(self, place: TopicPartition, customer: str, at_ms: int) -> None:
        self.named.setdefault(customer, []).append((place, self.ends[place]))
        self.recent.add_lead_event(lead_event(customer, click_id="c1"), at_ms)
        self._next(place)

    def _next(self, place: TopicPartition) -> None:
        self.ends[place] += 1
        self.recent.advance(place, self.ends[place])

    def check(self) -> None:
        """What was read from where memory says that it begins is there."""
        starts = {place: self.recent.start(place) or 0 for place in _PLACES}
        for click_id, records in self.clicks.items():
            within = [at_ms for place, offset, at_ms in records if offset >= starts[place]]
            if within:
                entry = self.recent.click("acme", click_id)
                assert entry is not None
                assert min(at_ms for *_, at_ms in records) <= entry.at_ms <= min(within)
        for customer, names in self.named.items():
            if any(offset >= starts[place] for place, offset in names):
                assert self.recent.person("acme", customer) is not None


_STEPS = st.lists(
    st.tuples(st.booleans(), st.sampled_from(_PLACES), st.integers(0, 200), st.integers(1, 9)),
    max_size=120,
)


@given(_STEPS, st.sampled_from([_LITTLE, _PLENTY]))
def test_from_where_memory_begins_nothing_is_missing(
    steps: list[tuple[bool, TopicPartition, int, int]], limit: int
) -> None:
    model = Model(Recent(limit))
    for place in _PLACES:
        model.recent.begin(place, 0)
    for is_click, place, number, at_ms in steps:
        if is_click:
            model.read_click(place, f"c{number}", at_ms)
        else:
            model.read_lead_event(place, f"u{number}", at_ms)
        model.check()
    if limit == _PLENTY:
        assert [model.recent.start(place) for place in _PLACES] == [0, 0]


def test_memory_is_bounded_and_what_it_reaches_back_to_moves_on() -> None:
    model = Model(Recent(_LITTLE))
    for place in _PLACES:
        model.recent.begin(place, 0)
    starts = []
    for number in range(1_000):
        model.read_click(_PLACES[number % 2], f"c{number}", number)
        starts.append(model.recent.start(_PLACES[0]))
        assert model.recent.size <= 2 * _LITTLE
    assert starts == sorted(starts, key=lambda start: start or 0)
    assert starts[-1]
    assert model.recent.click("acme", "c0") is None
    assert model.recent.click("acme", "c999") is not None
    model.check()


def test_reading_on_from_elsewhere_takes_back_the_claim() -> None:
    recent = Recent(_PLENTY)
    recent.begin(_PLACES[0], 0)
    recent.advance(_PLACES[0], 10)
    recent.begin(_PLACES[0], 50)
    assert recent.start(_PLACES[0]) == 50
    assert recent.start(_PLACES[1]) is None


def test_what_a_click_says() -> None:
    recent = Recent(_PLENTY)
    recent.add_click(click("bot", bot=True), 5, LINK_1, None)
    recent.add_click(click("later"), 9, LINK_1, None)
    recent.add_click(click("later"), 5, LINK_2, None)
    recent.add_click(click("untracked", track_conversion=False), 5, LINK_1, None)
    assert recent.click("acme", "bot") is None
    assert recent.click("acme", "later") == ClickEntry(5, True, LINK_2)
    assert recent.click("acme", "untracked") == ClickEntry(5, False, LINK_1)
    assert recent.click("other", "later") is None


def test_a_visitor_keeps_the_click_of_a_link_for_an_hour() -> None:
    recent = Recent(_PLENTY)
    recent.add_click(click("c1", link_id="link_1"), 1_000, LINK_1, "visitor")
    assert recent.visit("link_1", "visitor", 1_000 + HOUR_MS - 1) == "c1"
    assert recent.visit("link_1", "visitor", 1_000 + HOUR_MS) is None
    assert recent.visit("link_1", "visitor", 990) == "c1", "by a clock that is a little behind"
    assert recent.visit("link_1", "visitor", 1_000 - HOUR_MS) is None
    assert recent.visit("link_2", "visitor", 1_000) is None
    assert recent.visit("link_1", "other", 1_000) is None


def test_what_is_said_of_a_customer_in_whatever_order() -> None:
    events = [
        (9, lead_event("ann", click_id="c1", mode="deferred", customer_name="Second")),
        (5, lead_event("ann", click_id="c1", mode="deferred", customer_name="First")),
        (7, lead_event("ann", customer_email="a@b.com")),
    ]
    for order in (events, events[::-1]):
        recent = Recent(_PLENTY)
        for at_ms, event in order:
            recent.add_lead_event(event, at_ms)
        person = recent.person("acme", "ann")
        assert person is not None
        assert (person.name, person.email, person.avatar) == ((5, "First"), (7, "a@b.com"), None)
        assert (person.named, person.requested, person.erased) == ({"c1": 5}, True, False)


def test_of_an_erased_customer_nothing_is_left() -> None:
    recent = Recent(_PLENTY)
    recent.add_lead_event(lead_event("ann", click_id="c1", customer_name="Ann"), 5)
    recent.add_erasure("acme", "ann")
    person = recent.person("acme", "ann")
    assert person is not None
    assert person.erased
    assert not person.named
    assert person.name is None


def test_the_purchase_that_was_first_counts() -> None:
    def purchase(amount: int) -> Purchase:
        return Purchase(
            workspace_id="acme",
            customer_external_id="ann",
            amount=amount,
            invoice_id="inv",
            metadata=Raw(b'{"a":1}'),
        )

    recent = Recent(_PLENTY)
    recent.add_purchase(purchase(20), 9)
    recent.add_purchase(purchase(10), 5)
    recent.add_purchase(purchase(30), 7)
    assert recent.sale("acme", "ann", "inv") == SaleEntry(5, 10, "usd", "Purchase", "", '{"a":1}')
    assert recent.sale("acme", "bob", "inv") is None


def test_people_are_found_by_our_id_once_they_are_listed() -> None:
    recent = Recent(_PLENTY)
    ours = {name: customer_id("acme", name) for name in ("ann", "ben:1", "cid")}
    for name in ours:
        recent.add_lead_event(lead_event(name), 0)
    assert recent.external_id("acme", ours["ann"]) is None
    size = recent.size
    assert recent.list_people(2)
    assert not recent.list_people(2)
    assert recent.size > size
    assert {name: recent.external_id("acme", one) for name, one in ours.items()} == {n: n for n in ours}
    assert recent.external_id("globex", ours["ann"]) is None
    assert recent.external_id("acme", "") is None
    recent.add_lead_event(lead_event("ann"), 1)
    assert not recent.list_people(1)


def test_what_is_let_go_is_not_found_by_our_id() -> None:
    recent = Recent(_LITTLE)
    recent.add_lead_event(lead_event("ann"), 0)
    others = count()
    while recent.person("acme", "ann") is not None:
        recent.add_lead_event(lead_event(f"other-{next(others)}"), 0)
        recent.bound()
    recent.list_people(1_000)
    assert recent.external_id("acme", customer_id("acme", "ann")) is None
