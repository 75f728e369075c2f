"""Policies: what is read of a file, and what is refused, where and why."""

from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode, schema

from processors.rewards.conditions import OPERATORS, Test
from processors.rewards.facts import Earning
from processors.rewards.parsing import AHEAD_MS, PolicyRefused, check_succession, document_of, parse
from processors.rewards.policy_file import read_policy
from schemas.email_hash import email_hash
from schemas.reward_policy import RewardPolicy
from schemas.times import DAY_MS
from tests.attribution.effort import examples
from tests.rewards.builders import T0, at, policy

FILE = """
programId: pg_1
versions:
  - effectiveFrom: 2026-01-01T00:00:00Z
    currency: usd
    holdingPeriod: 30d
    lead: {amount: 2500}
    sale: {percent: 20.00, months: 12}
    conditions:
      - on: lead
        all: [{field: customer.country, in: [US, NO]}, {field: metadata.plan, equals: pro}]
        amount: 5000
      - {on: sale, any: [{field: sale.amount, ">": 100000}], percent: 25}
    partners:
      pn_7: {lead: {amount: 4000}}
      pn_8: {excluded: true}
"""


def test_a_file() -> None:
    found = parse(read_policy(FILE))
    (version,) = found.versions
    assert (found.program_id, version.currency, version.holding_ms) == ("pg_1", "usd", 30 * DAY_MS)
    assert version.effective_ms == T0
    sale = version.offer("sale", "anybody")
    assert sale.base is not None
    assert (sale.base.basis_points, sale.months) == (2_000, 12)
    lead = version.offer("lead", "anybody")
    assert [(one.number, one.rate.amount, len(one.tests)) for one in lead.groups] == [(0, 5_000, 2)]
    assert lead.groups[0].tests[0].wanted == ["US", "NO"], "a country, not a truth value"
    assert version.terms("pn_8").excluded
    assert version.offer("lead", "pn_7").groups == (), "its own terms for leads, and nothing of the program's"
    assert version.offer("sale", "pn_7") == sale


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("programId: [", "line 1, column 13: "),
        ("a: 1\na: 2", "line 2, column 1: 'a' stands twice"),
        ("a: &x 1\nb: *x", "line 2, column 4: references are not read: write it out"),
        ("a: !!python/name:os.system", "line 1, column 4: tags are not read: a text stands in quotes"),
        ('a: !!bool "x"', "line 1, column 4: tags are not read"),
        ('a: !!timestamp "x"', "line 1, column 4: tags are not read"),
        ("!!map [a]", "line 1, column 1: tags are not read"),
        ("? [a, b]\n: c", "line 1, column 3: a name is a text, not a list or an object"),
        ("a: {{b: c}: 1}", "line 1, column 5: a name is a text, not a list or an object"),
        ("a:\n  7: x", "line 2, column 3: a name is a text: write '7'"),
        ("1: a\ntrue: b", "line 1, column 1: a name is a text: write '1'"),
        ("a: 1\nb: \x00", "line 2, column 4: is no YAML: special characters are not allowed"),
        ("[" * 10_000, "line 1, column "),
        ("a:\n  b: " + "9" * 10_000, "line 2, column 6: is no number that anybody can mean"),
        (r'"\UFFFFFFFF"', "line 1, column 4: is no YAML: a number is out of range"),
        (r'a: "\ud83d"', "line 1, column 4: has half a character"),
    ],
    ids=[
        "syntax",
        "twice",
        "reference",
        "tag",
        "truth",
        "time",
        "map",
        "list as a name",
        "object as a name",
        "number as a name",
        "numbers that are the same",
        "characters",
        "nesting",
        "digits",
        "no character",
        "half a character",
    ],
)
def test_what_is_no_yaml(text: str, told: str) -> None:
    with pytest.raises(PolicyRefused) as refused:
        read_policy(text)
    assert str(refused.value).startswith(told)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("true", True),
        ("010", 10),
        ("12:30", "12:30"),
        ("1e3", 1000.0),
        ("2026-01-01", "2026-01-01"),
        ("~", None),
        ("1_000", "1_000"),
        (r'"\ud83d\ude00"', "\U0001f600"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    assert read_policy(text) == value


TAGS = (
    *("", "", "", "! ", "!x ", "!<x> ", "&a ", "!!python/name:os.system "),
    *(f"!!{name} " for name in ("bool", "int", "float", "null", "timestamp", "binary", "str")),
    *(f"!!{name} " for name in ("map", "seq", "set", "omap", "pairs", "merge", "value")),
)
SCALARS = (
    *("a", "programId", "versions", "7", "0x1F", "1e999", "-.inf", ".nan", "=", "<<", "~", "true", "on"),
    *("''", '"x"', r'"\ud800"', r'"\ud83d\ude00"', r'"\UFFFFFFFF"', r'"\x"', "9" * 5_000, "*a", "12:30"),
    *("2026-01-01", "|\n", "\0", "\ufeff", "%", "@", "", " ", "\n", "---", "...", "#", "- ", "? ", ": "),
)


def scraps() -> st.SearchStrategy[str]:
    """YAML of any tags, with names of any kind, and what is none."""

    def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        pairs = st.lists(st.tuples(inner, inner), max_size=3)
        return st.one_of(
            st.lists(inner, max_size=3).map(lambda some: f"[{', '.join(some)}]"),
            pairs.map(lambda some: "{" + ", ".join(f"{name}: {value}" for name, value in some) + "}"),
            pairs.map(lambda some: "\n".join(f"? {name}\n: {value}" for name, value in some)),
        )

    tagged = st.sampled_from(TAGS)
    leaves = st.tuples(tagged, st.sampled_from(SCALARS)).map("".join)
    return st.recursive(leaves, lambda inner: st.tuples(tagged, nested(inner)).map("".join), max_leaves=8)


@examples(500)
@given(st.one_of(scraps(), scraps().map(lambda one: FILE.replace("2500", one)), st.text(max_size=20)))
def test_any_text_is_a_policy_or_is_refused(text: str) -> None:
    """And whatever is read can be written into a topic."""
    try:
        document = read_policy(text)
        parse(document)
        encode(document_of(document))
    except PolicyRefused as error:
        refused = error
    else:
        return
    assert refused.said
    assert refused.remedy


def broken(change: str, value: object) -> Any:
    """The policy of the file with ``value`` where ``change`` points."""
    document = deepcopy(read_policy(FILE))
    *path, last = (int(one) if one.isdigit() else one for one in change.split("/"))
    place: Any = document
    for one in path:
        place = place[one]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return document


V = "versions/0"
TEST = {"field": "eventName", "equals": "x"}


@pytest.mark.parametrize(
    ("change", "value", "place"),
    [
        ("programId", None, ""),
        ("programId", " ", "programId"),
        ("versions", [], "versions"),
        ("unknown", 1, ""),
        (f"{V}/effectiveFrom", "2026-01-01", "versions[0].effectiveFrom"),
        (f"{V}/effectiveFrom", "2026-01-01T00:00:00", "versions[0].effectiveFrom"),
        (f"{V}/effectiveFrom", "0001-01-01T00:00:00+14:00", "versions[0].effectiveFrom"),
        (f"{V}/effectiveFrom", "9999-12-31T23:59:59-14:00", "versions[0].effectiveFrom"),
        (f"{V}/currency", "USD", "versions[0].currency"),
        (f"{V}/holdingPeriod", "30", "versions[0].holdingPeriod"),
        (f"{V}/holdingPeriod", None, "versions[0]"),
        (f"{V}/lead/amount", 1.5, "versions[0].lead.amount"),
        (f"{V}/lead/amount", -1, "versions[0].lead.amount"),
        (f"{V}/lead/amount", "1", "versions[0].lead.amount"),
        (f"{V}/lead/cap", {"amount": 1, "per": "year"}, "versions[0].lead.cap.per"),
        (f"{V}/lead/cap", {"amount": 1, "per": "day", "timezone": "Moon"}, "versions[0].lead.cap.timezone"),
        (f"{V}/sale/cap", {"amount": 1, "per": "day", "timezone": ""}, "versions[0].sale.cap.timezone"),
        (f"{V}/sale/cap", {"amount": -1, "per": "day"}, "versions[0].sale.cap.amount"),
        (f"{V}/sale/percent", 100.01, "versions[0].sale.percent"),
        (f"{V}/sale/percent", 20.005, "versions[0].sale.percent"),
        (f"{V}/sale/amount", 5, "versions[0].sale"),
        (f"{V}/sale", {}, "versions[0].sale"),
        (f"{V}/sale/months", -1, "versions[0].sale.months"),
        (f"{V}/conditions/0/all", None, "versions[0].conditions[0]"),
        (f"{V}/conditions/0/all", [], "versions[0].conditions[0].all"),
        (f"{V}/conditions/0/any", [TEST], "versions[0].conditions[0]"),
        (f"{V}/conditions/0/percent", 5, "versions[0].conditions[0].percent"),
        (f"{V}/conditions/0/amount", None, "versions[0].conditions[0]"),
        (f"{V}/conditions/1/on", "click", "versions[0].conditions[1].on"),
        (
            f"{V}/conditions/0/all/1",
            {"field": "metadata.", "equals": 1},
            "versions[0].conditions[0].all[1].field",
        ),
        (
            f"{V}/conditions/0/all/1",
            {"field": "sale.type", "equals": "new"},
            "versions[0].conditions[0].all[1].field",
        ),
        (f"{V}/conditions/0/all/1", {**TEST, "not": "y"}, "versions[0].conditions[0].all[1]"),
        (f"{V}/conditions/0/all/1", {"field": "eventName", "like": "y"}, "versions[0].conditions[0].all[1]"),
        (f"{V}/conditions/0/all/1", {"equals": "y"}, "versions[0].conditions[0].all[1].field"),
        (f"{V}/conditions/0/all/0/in", "US", "versions[0].conditions[0].all[0].in"),
        (f"{V}/conditions/1/any/0/>", "9", "versions[0].conditions[1].any[0].>"),
        (f"{V}/conditions/1/any/0/>", True, "versions[0].conditions[1].any[0].>"),
        (f"{V}/conditions/1/any/0/>", 1e999, "versions[0].conditions[1].any[0].>"),
        (f"{V}/conditions/0/all/1/equals", 1 << 64, "versions[0].conditions[0].all[1].equals"),
        (f"{V}/partners/pn_8/lead", {"amount": 1}, "versions[0].partners.pn_8"),
        (f"{V}/partners/pn_8/emailHash", "pat@example.com", "versions[0].partners[...].emailHash"),
    ],
)
def test_what_is_refused_and_where(change: str, value: object, place: str) -> None:
    with pytest.raises(PolicyRefused) as refused:
        parse(broken(change, value))
    assert refused.value.place == place
    assert refused.value.said


@pytest.mark.parametrize(
    ("change", "value", "told"),
    [
        (f"{V}/lead/cap", {"amount": 1, "per": "year"}, "must be allTime, day, month or week"),
        (f"{V}/lead/cap", {"amount": 1, "per": 7}, "must be allTime, day, month or week"),
        (f"{V}/conditions/1/on", "click", "must be lead or sale"),
        (f"{V}/currency", "USD", "expected three lower-case letters"),
        (f"{V}/partners/pn_8/emailHash", "x", "expected 64 hex digits"),
        (f"{V}/effectiveFrom", "2026-01-01", "must be a time as 2026-01-31T12:00:00Z"),
        (f"{V}/partners", {7: {}}, "a name in it: Expected `str`, got `int`"),
        (f"{V}/partners", {"x" * 300: {}}, "a name in it: Expected `str` of length <= 255"),
    ],
)
def test_it_says_what_would_be_right(change: str, value: object, told: str) -> None:
    with pytest.raises(PolicyRefused) as refused:
        parse(broken(change, value))
    assert told in refused.value.said
    assert refused.value.place.startswith("versions[0].")
    assert "regex" not in refused.value.cause
    assert "`key` in" not in refused.value.cause


def test_no_pattern_is_shown_to_people() -> None:
    for part in schema(RewardPolicy)["$defs"].values():
        for name, said in part["properties"].items():
            for one in (said, *said.get("anyOf", ())):
                assert "pattern" not in one or "description" in one, name


@pytest.mark.parametrize("value", [None, 1, "x", [], {"versions": 3}])
def test_what_is_no_policy_at_all(value: object) -> None:
    with pytest.raises(PolicyRefused):
        parse(value)


def test_versions_ascend() -> None:
    for second in (at(0), at(-1)):
        with pytest.raises(PolicyRefused, match=r"versions\[1\]\.effectiveFrom: must be later"):
            parse(policy({"effectiveFrom": at(0)}, {"effectiveFrom": second}))


def test_a_version_that_was_published_is_never_changed_and_a_new_one_is_in_the_future() -> None:
    now_ms = T0 + 10 * DAY_MS
    first = {"effectiveFrom": at(0), "lead": {"amount": 1}}
    known = document_of(policy(first))
    check_succession(None, known, now_ms)
    check_succession(known, known, now_ms)
    ahead = at((now_ms - T0 + AHEAD_MS) / DAY_MS)
    check_succession(known, document_of(policy(first, {"effectiveFrom": ahead})), now_ms)
    changed = document_of(policy({**first, "lead": {"amount": 2}}))
    with pytest.raises(PolicyRefused, match=r"versions\[0\]: was published"):
        check_succession(known, changed, now_ms)
    with pytest.raises(PolicyRefused, match=r"versions\[1\]: was published"):
        check_succession(document_of(policy(first, {"effectiveFrom": at(20)})), known, now_ms)
    with pytest.raises(PolicyRefused, match=r"versions\[1\]\.effectiveFrom: a new version begins"):
        check_succession(known, document_of(policy(first, {"effectiveFrom": at(10)})), now_ms)


def earning(**metadata: object) -> Earning:
    return Earning("lead", "ld", 1, T0, "pg", "pn", metadata=orjson.dumps(metadata))


@pytest.mark.parametrize(
    ("found", "operator", "wanted", "holds"),
    [
        ("pro", "equals", "pro", True),
        ("Pro", "equals", "pro", False),
        (1, "equals", 1.0, True),
        (1, "equals", True, False),
        (True, "equals", True, True),
        ("1", "equals", 1, False),
        ("pro", "not", "free", True),
        (True, "not", 1, True),
        ("US", "in", ["CA", "US"], True),
        (1, "in", [True, "1"], False),
        ("DE", "not_in", ["CA", "US"], True),
        ("premium", "starts_with", "pre", True),
        (5, "starts_with", "5", False),
        ("premium", "ends_with", "um", True),
        ("premium", "contains", "mi", True),
        (["a", "b"], "contains", "b", True),
        (["ab"], "contains", "b", False),
        (5, "contains", 5, False),
        ("premium", "not_contains", "x", True),
        (["a"], "not_contains", "a", False),
        (5, "not_contains", 6, False),
        (5, ">", 4, True),
        (5, ">", 5, False),
        (5, "≥", 5, True),
        (5, ">=", 5.5, False),
        (4, "<", 5, True),
        (5, "≤", 5, True),
        (5, "<=", 4, False),
        ("5", ">", 4, False),
        (True, ">", 0, False),
    ],
)
def test_operators(found: object, operator: str, wanted: object, holds: bool) -> None:
    assert Test("metadata.a", operator, wanted).holds(earning(a=found), new=True) is holds


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("absent", ["metadata.b", "metadata.a.b", "link.id", "eventName", "click.country"])
def test_an_absent_field_matches_nothing(operator: str, absent: str) -> None:
    wanted: object = ["x"] if operator.endswith("in") else "x"
    assert Test(absent, operator, wanted).holds(earning(a="x", b=None), new=True) is False


@pytest.mark.parametrize(
    ("metadata", "path"),
    [({"a": {"b": {"c": 1}}}, "a.b.c"), ({"a.b.c": 1}, "a.b.c")],
)
def test_a_path_into_metadata(metadata: dict[str, object], path: str) -> None:
    assert Test(f"metadata.{path}", "equals", 1).holds(earning(**metadata), new=True)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Pat@Example.com", " pat@example.com ", True),
        ("pat+shop@example.com", "pat@example.com", True),
        ("p.a.t@gmail.com", "pat@googlemail.com", True),
        ("p.at@example.com", "pat@example.com", False),
        ("pat@example.com", "pat@example.org", False),
        ("+pat@example.com", "@example.com", False),
        ("no address", "No Address", True),
    ],
)
def test_whether_two_addresses_are_one_person_s(one: str, other: str, same: bool) -> None:
    assert (email_hash(one) == email_hash(other)) is same
