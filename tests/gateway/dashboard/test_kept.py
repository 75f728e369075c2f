"""Which addresses are kept: what they mean, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.gateway.analytics.filters import FIELDS
from processors.gateway.dashboard.kept import Kept, kept, kept_address, unshared
from processors.gateway.dashboard.shared import shown
from processors.gateway.dashboard.state import GROUPS, read
from processors.gateway.dashboard.views import VIEWS
from processors.registry.view_changes import MOST_QUERY

PATHS = [path for path, _ in VIEWS]
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
QUERIES = st.lists(
    st.tuples(
        st.sampled_from([*FIELDS, "interval", "start", "end", "timezone", "tab", "groupBy", "search", "x"])
        | TEXTS,
        st.sampled_from(["7d", "2026-01-01", "Asia/Tehran", "sales", "country", "-DE,AT"]) | TEXTS,
    ),
    max_size=8,
).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs))


@given(st.sampled_from(PATHS), QUERIES)
def test_what_is_kept_means_the_same_and_is_kept_as_it_is(path: str, query: str) -> None:
    found = kept(path, query)
    if found is not None:
        assert found.state == read(query.encode())
        assert found.is_whole
        assert found.query.isascii()
        assert "search" not in found.query
        assert "\\x" not in found.address


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.test/",
        "//evil.test/",
        "/\\evil.test",
        "/\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "/dashboard/sign-out",
        "/dashboard/views/forget",
        "/dashboard/customer?id=ann",
        "/links",
        "",
    ],
)
def test_only_views_are_kept(address: str) -> None:
    with pytest.raises(ValueError, match="no address of a view"):
        kept_address(address, PATHS)


def test_what_is_about_a_person_is_not_kept() -> None:
    for query in ("search=ann", "status=pending&search=ann"):
        assert kept("/dashboard/customers", query) is None
        with pytest.raises(ValueError, match="about a person"):
            kept_address(f"/dashboard/customers?{query}", PATHS)
    assert kept_address("/dashboard/customers?search=&minAge=30&after=x&status=pending", PATHS) == Kept(
        "/dashboard/customers", "status=pending&minAge=30"
    )


def test_a_list_of_people_is_kept_as_narrow_as_it_is() -> None:
    query = "interval=7d&country=DE&clicked=1&status=pending&minAge=3&maxAge=9"
    assert kept("/dashboard/customers", query) == Kept("/dashboard/customers", query)


def test_what_is_too_long_is_not_kept() -> None:
    values = "&".join(f"{field}={'x' * 100}" for field in FIELDS)
    with pytest.raises(ValueError, match="more filters than can be kept"):
        kept_address(f"/?{values}", PATHS)
    assert len(values) > MOST_QUERY


def test_what_this_release_does_not_know_is_no_wider_view() -> None:
    assert not Kept("/", "country=DE&planet=mars").is_whole
    assert not Kept("/", "timezone=Mars/Olympus").is_whole
    assert Kept("/", "country=DE").is_whole


@pytest.mark.parametrize("field", ["externalId", "tenantId", "url", "refererUrl"])
def test_by_what_may_be_of_a_person_nothing_is_shared(field: str) -> None:
    assert unshared(read(f"{field}=x&country=DE".encode())) == [FIELDS[field].name]
    assert unshared(read(f"{field}=-x".encode())) == [FIELDS[field].name]


def test_every_breakdown_of_the_dashboard_is_shared() -> None:
    for field in GROUPS:
        assert unshared(read(f"groupBy={field}".encode())) == []


@given(QUERIES, QUERIES)
def test_a_stranger_chooses_how_it_is_drawn_and_nothing_else(recorded: str, asked: str) -> None:
    state = read(recorded.encode())
    found = shown(state, asked.encode())
    assert (found.interval, found.days, found.timezone) == (state.interval, state.days, state.timezone)
    assert (found.filters, found["groupBy"]) == (state.filters, state["groupBy"])
    assert found["tab"] == read(asked.encode()).chosen.get("tab", state["tab"])
    assert shown(state, found.same.removeprefix("?").encode()) == found
