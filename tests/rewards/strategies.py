"""Small histories of one customer: few partners, few leads and sales, and times around every edge.

In every tuple of choices the plain ones come first: hypothesis shrinks towards them.
"""

from typing import Any, Final, NamedTuple

from hypothesis import strategies as st

from tests.attribution.strategies import one_of_each
from tests.rewards.builders import ERASURE, Document, event, lead, of_lead, of_sale, policy, sale

PARTNERS: Final = ("pn", "pn", "pn", "other", None)
PROGRAMS: Final = ("pg", "pg", "pg", "pg", "two", "none", None)
DAYS: Final = (10, 10, 0, 11, 20, 30, 40, 40.5)
"""A version may begin on day 10 or 20; a month after day 10 is day 41, after day 0 day 31."""
NAMES: Final = ("Sign Up", "Demo", "Trial")
INVOICES: Final = ("i1", "i2", "i3")
AMOUNTS: Final = (10_000, 10_000, 999, 1, 0)
CURRENCIES: Final = ("usd", "usd", "eur")
PERSONS: Final[tuple[Document, ...]] = (
    {},
    {"country": "US"},
    {"country": "DE", "metadata": {"plan": "pro", "seats": 5}},
    {"email": "p@example.com", "metadata": {"plan": "free"}},
    {"metadata": {"plan": "pro"}, "link": "l1"},
    {"metadata": {"of": {"tags": ["a", 1], "paid": True}}},
)
EVENT_IDS: Final = (None, None, None, "e1")


def leads() -> st.SearchStrategy[Document]:
    """Any lead of any revision."""
    choices = (NAMES, DAYS, PROGRAMS, PARTNERS, (1, 1, 3), PERSONS)
    return one_of_each(*choices).map(
        lambda one: lead(one[1], one[0], program=one[2], partner=one[3], quantity=one[4], **one[5])
    )


def sales() -> st.SearchStrategy[Document]:
    """Any sale."""
    choices = (INVOICES, DAYS, PROGRAMS, PARTNERS, AMOUNTS, CURRENCIES, (None, "stripe"), PERSONS)
    return one_of_each(*choices).map(
        lambda one: sale(
            one[1],
            one[0],
            one[4],
            program=one[2],
            partner=one[3],
            currency=one[5],
            processor=one[6],
            **one[7],
        )
    )


def events() -> st.SearchStrategy[Document]:
    """Any event about rewards, of sales and rewards that may be there or not."""
    refunds = one_of_each(INVOICES, (500, 5_000, 20_000, 1), EVENT_IDS, DAYS).map(
        lambda one: event("refund", sale(0, one[0])["saleId"], one[3], one[2], one[1])
    )
    targets = tuple(
        target
        for partner in ("pn", "other")
        for target in (of_lead(partner), *(of_sale(invoice, partner) for invoice in INVOICES))
    )
    others = one_of_each(("hold", "release", "cancel"), targets, EVENT_IDS, DAYS).map(
        lambda one: event(one[0], one[1], one[3], one[2])
    )
    return st.one_of(refunds, others)


TESTS: Final[tuple[Document, ...]] = (
    {"field": "metadata.plan", "equals": "pro"},
    {"field": "customer.country", "in": ["US", "CA"]},
    {"field": "metadata.plan", "not": "pro"},
    {"field": "eventName", "starts_with": "D"},
    {"field": "metadata.seats", ">": 4},
    {"field": "quantity", "<=": 2},
    {"field": "click.country", "not_in": ["US"]},
    {"field": "link.id", "contains": "l"},
    {"field": "metadata.plan", "not_contains": "fr"},
    {"field": "metadata.seats", ">=": 5},
    {"field": "metadata.seats", "<": 5},
    {"field": "metadata.of.tags", "contains": "a"},
    {"field": "metadata.of.tags", "not_contains": "b"},
    {"field": "metadata.of.paid", "equals": 1},
)
TESTS_OF_SALES: Final[tuple[Document, ...]] = (
    *TESTS,
    {"field": "sale.type", "equals": "new"},
    {"field": "sale.type", "equals": "recurring"},
    {"field": "sale.amount", ">": 999},
    {"field": "sale.paymentProcessor", "not_contains": "pal"},
)
RATES_OF_SALES: Final[tuple[Document, ...]] = (
    {"percent": 20.0},
    {"percent": 33.33},
    {"amount": 700},
    {"percent": 0},
    {"percent": 100},
)


LEAD_RATES: Final[tuple[Document, ...]] = ({"lead": {"amount": 2_500}}, {"lead": {"amount": 0}}, {})
SALE_RATES: Final[tuple[Document, ...]] = (
    *({"sale": rate} for rate in RATES_OF_SALES),
    {"sale": {"percent": 20, "months": 0}},
    {"sale": {"percent": 20, "months": 1}},
    {"sale": {"amount": 700, "months": 1}},
    {"sale": {"months": 1}},
    {},
)


RATES_OF_LEADS: Final[tuple[Document, ...]] = ({"amount": 5_000}, {"amount": 100}, {"amount": 0})
GROUP_OF_LEADS: Final = (TESTS, TESTS, ("all", "any"), RATES_OF_LEADS, (True, False))
GROUP_OF_SALES: Final = (TESTS_OF_SALES, TESTS_OF_SALES, ("all", "any"), RATES_OF_SALES, (True, False))
COUNTS: Final = (0, 0, 1, 2)


def _groups(on: str, count: int, *said: Any) -> list[Document]:
    groups = [
        {"on": on, name: [test, other] if both else [test], **rate}
        for test, other, name, rate, both in (said[:5], said[5:])
    ]
    return groups[:count]


def _rules_of(one: tuple[Any, ...]) -> Document:
    groups = [*_groups("lead", *one[2:13]), *_groups("sale", *one[13:])]
    return {**one[0], **one[1], **({"conditions": groups} if groups else {})}


RULES: Final = one_of_each(
    LEAD_RATES,
    SALE_RATES,
    *(COUNTS, *GROUP_OF_LEADS, *GROUP_OF_LEADS),
    *(COUNTS, *GROUP_OF_SALES, *GROUP_OF_SALES),
).map(_rules_of)
LIKE_ANYBODY: Final[tuple[Document, ...]] = ({}, {}, {"email": "p@example.com"}, {"excluded": True})
TERMS: Final = st.one_of(st.sampled_from(LIKE_ANYBODY), RULES)
BEGINNINGS: Final = ("2000-01-01T00:00:00Z", "2026-01-11T00:00:00Z", "2026-01-21T00:00:00+00:00")
VERSIONS: Final = st.tuples(RULES, TERMS, TERMS, st.sampled_from(CURRENCIES)).map(
    lambda one: {**one[0], "partners": {"pn": one[1], "other": one[2]}, "currency": one[3]}
)
BEGUN: Final = ((0,), (0, 1), (0, 1, 2), (1,), (1, 2))


def _policies_of(one: tuple[Any, ...]) -> list[Document]:
    """Of two programs; the third one has none."""
    return [
        policy(
            *(
                {"effectiveFrom": BEGINNINGS[at], **version}
                for at, version in zip(begun, versions, strict=False)
            ),
            program=program,
        )
        for program, begun, versions in (("pg", one[0], one[2:5]), ("two", one[1], one[5:]))
    ]


POLICIES: Final = st.tuples(
    st.sampled_from(BEGUN), st.sampled_from(BEGUN[:1]), VERSIONS, VERSIONS, VERSIONS, VERSIONS
).map(_policies_of)


CAPS: Final[tuple[Document | None, ...]] = (
    {"amount": 4_000, "per": "allTime"},
    {"amount": 3_000, "per": "month"},
    {"amount": 1, "per": "day", "timezone": "America/New_York"},
    {"amount": 2_600, "per": "week", "timezone": "Asia/Tokyo"},
    {"amount": 0, "per": "month"},
    None,
)


def _capped(one: tuple[Any, ...]) -> list[Document]:
    """Of each version; what partners have instead has none."""
    policies, leads, sales = one
    for rules in (version for document in policies for version in document["versions"]):
        for kind, cap in (("lead", leads), ("sale", sales)):
            if kind in rules and cap is not None:
                rules[kind] = {**rules[kind], "cap": cap}
    return policies  # type: ignore[no-any-return]


CAPPED_POLICIES: Final = st.tuples(POLICIES, st.sampled_from(CAPS), st.sampled_from(CAPS)).map(_capped)


class History(NamedTuple):
    """``documents``: in the order in which they arrive, some of them twice."""

    policies: list[Document]
    documents: list[Document]


# Made once: each of them is checked anew wherever it is made.
RESULTS: Final = st.lists(st.one_of(leads(), leads(), sales(), sales()), min_size=1, max_size=10)
EVENTS: Final = st.lists(events(), max_size=5)
AGAIN: Final = st.lists(st.integers(0, 14), max_size=4)
ONE_IN_FIVE: Final = st.integers(0, 4)
ORDERS: Final = st.integers(0, 2**64)


@st.composite
def histories(draw: st.DrawFn, *, erasures: bool = True, capped: bool = False) -> History:
    """Of one (id, revision) there is one content, as it is published."""
    results = draw(RESULTS)
    counted: dict[str, int] = {}
    documents = []
    for one in results:
        identity = one.get("leadId") or one["saleId"]
        counted[identity] = counted.get(identity, 0) + 1
        documents.append({**one, "revision": counted[identity]})
    documents += draw(EVENTS)
    if erasures and draw(ONE_IN_FIVE) == 4:
        documents.append(ERASURE)
    again = draw(AGAIN)
    documents += [documents[number % len(documents)] for number in again]
    return History(draw(CAPPED_POLICIES if capped else POLICIES), in_order(documents, draw(ORDERS)))


def in_order(documents: list[Document], number: int) -> list[Document]:
    """One of their orders, in a single draw; 0 is the one that they have."""
    left, ordered = list(documents), []
    while left:
        number, place = divmod(number, len(left))
        ordered.append(left.pop(place))
    return ordered
