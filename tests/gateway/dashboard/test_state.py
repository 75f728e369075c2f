"""Addresses: what they say, and that every link says all of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.gateway.analytics.filters import FIELDS, Filter
from processors.gateway.analytics.metadata import MOST_TERMS, MetadataFilter
from processors.gateway.dashboard.state import State, read

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=10)
VALUES = st.lists(TEXTS, min_size=1, max_size=4, unique=True).map(tuple)
FILTERS = st.one_of(
    st.builds(Filter, st.sampled_from(sorted(FIELDS)), VALUES, st.booleans()),
    st.builds(MetadataFilter, TEXTS.map("metadata.{}".format), VALUES, st.booleans()),
)


def again(state: State) -> State:
    return read(state.same.removeprefix("?").encode())


@given(FILTERS)
def test_filters_are_read_as_they_are_written(one: Filter) -> None:
    found = type(one).read(one.field, one.written)
    assert found == one
    assert found is not None
    assert found.turned.turned == found


@given(st.lists(FILTERS, max_size=3, unique_by=lambda one: one.field))
def test_a_link_to_the_same_is_the_same(filters: list[Filter]) -> None:
    state = read(b"interval=7d&timezone=Asia/Tehran&tab=sales&basis=cohort&kind=leads&groupBy=country")
    made = State(state.interval, state.days, state.timezone, filters, state.chosen)
    found = again(made)
    assert sorted(found.pairs) == sorted(made.pairs)
    assert again(found) == found


def test_a_filter_of_many_values_has_all_of_each() -> None:
    filtered = Filter("partnerId", tuple(f"pn_{'long' * 8}{number}" for number in range(40)), negated=True)
    made = State("30d", None, "UTC", [filtered], {})
    assert again(made).filters == [filtered]


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        (b"", []),
        (b"interval=30d&timezone=UTC&tab=leads", []),
        (b"metadata=", []),
        (b"metadata.=x", []),
        (b"metadata." + b"k" * 201 + b"=x", []),
        (b"metadata.pl%26an=-a,b", [("metadata.pl&an", "-a,b")]),
        (b"metadata=a%26b ", [("metadata", "a&b")]),
        (b"interval=nonsense&timezone=Mars/Phobos&tab=x&kind=&basis=%00", []),
        (b"start=2026-01-07&end=2026-01-01", [("start", "2026-01-01"), ("end", "2026-01-07")]),
        (b"start=2026-01-01", []),
        (b"start=0001-01-01&end=9999-12-31", []),
        (b"country=", []),
        (b"country=-", []),
        (b"country=,,", []),
        (b"country=DE,DE, AT", [("country", "DE,AT")]),
        (b"country=-DE", [("country", "-DE")]),
        (b"filter=country&value=DE&is=not", [("country", "-DE")]),
        (b"filter=country&value=-a%2Cb", [("country", "\\-a\\,b")]),
        (b"filter=password&value=x", []),
        (b"country=AT&filter=country&value=DE", [("country", "AT,DE")]),
        (b"country=-AT&filter=country&value=DE&is=not", [("country", "-AT,DE")]),
        (b"country=AT&filter=country&value=DE&is=not", [("country", "-DE")]),
        (b"country=AT&filter=country&value=", [("country", "AT")]),
        (b"&" * 1000, []),
        (b"\xff=\xff", []),
    ],
)
def test_what_an_address_says(query: bytes, pairs: list[tuple[str, str]]) -> None:
    assert read(query).pairs == pairs


def test_links_change_one_thing() -> None:
    state = read(b"interval=7d&country=DE&tab=sales&device=Mobile")
    assert state.link(tab="clicks") == "?interval=7d&country=DE&device=Mobile&tab=clicks"
    assert state.link(tab="leads") == "?interval=7d&country=DE&device=Mobile"
    assert state.within("30d") == "?country=DE&device=Mobile&tab=sales"
    assert state.filtered("country", "AT") == "?interval=7d&device=Mobile&country=AT&tab=sales"
    assert state.unfiltered == "?interval=7d&tab=sales"
    assert state.common == "?interval=7d&country=DE&device=Mobile"
    within = read(b"basis=cohort&payWithin=1m&qualifyWithin=2d&signUpWithin=any")
    assert within.same == "?basis=cohort&payWithin=1m"
    assert within.link(basis="events") == "", "of events that are counted by themselves a window says nothing"
    assert state.aged(30, None) == "?country=DE&device=Mobile&status=pending&minAge=30"
    assert state.clicked() == "?interval=7d&clicked=1&country=DE&device=Mobile"
    assert state.clicked("pending") == "?interval=7d&clicked=1&country=DE&device=Mobile&status=pending"


def test_of_metadata_no_more_is_asked_than_over_http() -> None:
    many = ",".join(map(str, range(MOST_TERMS - 1)))
    shown = read(f"metadata.a={many}&metadata.b=1,2&country=DE".encode())
    assert [one.field for one in shown.filters] == ["country", "metadata.a"]
