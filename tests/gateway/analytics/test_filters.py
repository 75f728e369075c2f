"""Filters as addresses have them, and conditions on metadata."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.gateway.analytics import metadata
from processors.gateway.analytics.filters import (
    FIELDS,
    MOST_VALUES,
    Condition,
    Filter,
    Kind,
    OfCustomers,
    OfLinks,
    conditions,
    parameters,
    read,
)
from processors.gateway.analytics.metadata import Malformed, MetadataFilter, Term
from schemas.ids import customer_id

texts = st.text(min_size=1).map(str.strip).filter(bool)


@pytest.mark.parametrize(
    ("written", "values", "negated"),
    [
        ("DE", ("DE",), False),
        ("DE,AT", ("DE", "AT"), False),
        ("-DE", ("DE",), True),
        ("-DE,AT", ("DE", "AT"), True),
        (r"\-DE", ("-DE",), False),
        (r"a\,b,c", ("a,b", "c"), False),
        (" DE , ,DE", ("DE",), False),
    ],
)
def test_one_several_or_all_others(written: str, values: tuple[str, ...], negated: bool) -> None:
    assert Filter.read("country", written) == Filter("country", values, negated)


@pytest.mark.parametrize("written", ["", "-", ",", " , "])
def test_no_value_is_no_filter(written: str) -> None:
    assert Filter.read("country", written) is None


@given(st.lists(texts, min_size=1, max_size=5, unique=True), st.booleans())
def test_what_is_written_is_read_again(values: list[str], negated: bool) -> None:
    found = Filter("city", tuple(values), negated)
    assert Filter.read("city", found.written) == found


def test_values_beyond_the_bound_are_left_out() -> None:
    found = Filter.read("city", ",".join(map(str, range(MOST_VALUES + 5))))
    assert found is not None
    assert len(found.values) == MOST_VALUES


def test_all_fields_are_read() -> None:
    assert [one.field for one in read(lambda name: name)] == [*FIELDS]


@given(st.text(), st.text())
def test_nothing_that_strangers_say_stands_in_the_sql(value: str, key: str) -> None:
    of: list[Condition] = [Filter(name, (value,)) for name in FIELDS]
    of += [OfCustomers("w", (value,)), OfLinks((value,)), metadata.OfMetadata([[Term(key, ">", value)]])]
    of += [MetadataFilter(f"metadata.{key}", (value,), negated) for negated in (False, True)]
    plain: list[Condition] = [Filter(name, ("x",)) for name in FIELDS]
    plain += [OfCustomers("w", ("x",)), OfLinks(("x",)), metadata.OfMetadata([[Term("x", ">", "x")]])]
    plain += [MetadataFilter("metadata.x", ("x",), negated) for negated in (False, True)]
    for kind in Kind:
        assert conditions(of, kind) == conditions(plain, kind)
    assert [value] in parameters(of).values()


def test_a_filter_says_nothing_of_what_has_no_such_field() -> None:
    assert conditions([Filter("eventName", ("Sign up",))], Kind.CLICKS) == ""
    assert conditions([Filter("saleType", ("new",))], Kind.LEADS) == ""
    assert conditions([Filter("eventName", ("Sign up",))], Kind.LEADS) != ""


def test_customers_are_named_by_either_id() -> None:
    ours = customer_id("w", "u1")
    assert OfCustomers("w", ("u1", ours)).parameters("p") == {"p": [ours, ours]}


@pytest.mark.parametrize(
    ("written", "groups"),
    [
        ("metadata['plan']:'pro'", [[("plan", "=", "pro")]]),
        ("metadata['plan'] = 'pro'", [[("plan", "=", "pro")]]),
        ('metadata["plan"]!="pro"', [[("plan", "!=", "pro")]]),
        ("metadata['seats']>=5", [[("seats", ">=", "5")]]),
        (r"metadata['it\'s']:'o\'clock'", [[("it's", "=", "o'clock")]]),
        (
            "metadata['a']:'1' AND metadata['b']<2 or metadata['c']>3",
            [[("a", "=", "1"), ("b", "<", "2")], [("c", ">", "3")]],
        ),
    ],
)
def test_conditions_on_metadata(written: str, groups: list[list[tuple[str, str, str]]]) -> None:
    assert metadata.read(written).any_of == groups


@pytest.mark.parametrize(
    "written",
    [
        "plan:'pro'",
        "metadata['plan']",
        "metadata['plan']:'pro' metadata['b']:'c'",
        "metadata['plan']:'pro' AND",
        "metadata['plan']:'pro",
        " AND ".join(["metadata['a']:'b'"] * (metadata.MOST_TERMS + 1)),
    ],
)
def test_what_is_malformed_says_from_where_on(written: str) -> None:
    with pytest.raises(Malformed):
        metadata.read(written)


@given(st.text())
def test_any_text_is_read_or_malformed(written: str) -> None:
    with suppress(Malformed):
        assert metadata.read(written).any_of
