"""Leads and amounts, divided among the touches before them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.clickhouse import LocalClickHouse
from tests.attribution.effort import examples
from tests.clickhouse.database import Database, fresh_database
from tests.clickhouse.test_analytics import add

pytestmark = pytest.mark.integration

FIRST_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)
MODELS: Final = ("first", "last", "linear", "time decay", "position")
_OWN: Final = ("click_id", "link_id", "partner_id", "deferred_at")
_numbers: Final = count()


def day(number: float) -> datetime:
    return FIRST_DAY + timedelta(days=number)


@dataclass(frozen=True)
class Journey:
    """A customer who signed up through one click after the other, on these days. ``own``: the place of the
    touch to which the lead and the sales are attributed. ``paid``: day, minor units, currency."""

    days: Sequence[float]
    led: float
    own: int
    quantity: int = 1
    paid: Sequence[tuple[float, int, str]] = ()

    def touch(self, place: int) -> tuple[str, str, str, datetime]:
        return f"click{place}", f"link{place}", f"partner{place % 2}", day(self.days[place])


@pytest.fixture(scope="module")
def shared(clickhouse: LocalClickHouse) -> Iterator[Database]:
    """Every example has a workspace of its own in it."""
    with fresh_database(clickhouse.url) as database:
        yield database


def told(database: Database, journeys: Sequence[Journey], *, listed: bool = True) -> str:
    """The workspace in which they are. ``listed``: as releases before stored customers, without touches."""
    workspace = f"w{next(_numbers)}"
    people, leads, sales = [], [], []
    for number, one in enumerate(journeys):
        name = f"{workspace}-{number}"
        own = one.touch(one.own)
        touches = [
            (click, at - timedelta(hours=1), at, link, partner, "")
            for click, link, partner, at in map(one.touch, range(len(one.days)))
        ]
        people.append((workspace, name, name, *own, *([touches] if listed else [])))
        leads.append((workspace, name, name, day(one.led), one.quantity, *own))
        sales += [
            (workspace, f"{name}-{place}", name, name, day(at), amount, currency, *own)
            for place, (at, amount, currency) in enumerate(one.paid)
        ]
    column = ["touches"] if listed else []
    add(
        database,
        "customers_raw",
        people,
        "workspace_id",
        "customer_external_id",
        "customer_id",
        *_OWN,
        *column,
    )
    add(
        database, "leads_raw", leads, "workspace_id", "lead_id", "customer_id", "timestamp", "quantity", *_OWN
    )
    sale = ("workspace_id", "sale_id", "lead_id", "customer_id", "timestamp", "amount", "currency")
    add(database, "sales_raw", sales, *sale, *_OWN)
    return workspace


def window(workspace: str, days: int = 31) -> str:
    end = f"{day(days):%F}"
    return f"workspace = '{workspace}', start = '{FIRST_DAY:%F}', end = '{end}', timezone = 'UTC'"


def leads_of(database: Database, workspace: str) -> dict[str, dict[object, Decimal]]:
    """By model and link."""
    found: dict[str, dict[object, Decimal]] = {}
    rows = database.rows(f"SELECT model, link_id, leads FROM attribution_models({window(workspace)})")
    for model, link, leads in rows:
        found.setdefault(str(model), {})[link] = Decimal(str(leads))
    return found


def test_five_models_beside_each_other(shared: Database) -> None:
    """Three touches a week apart; what comes after the lead counts for nothing."""
    found = leads_of(shared, told(shared, [Journey((1, 8, 15, 20), led=16, own=0)]))
    third = Decimal("0.333333")
    assert {model: [*map(found[model].get, ("link0", "link1", "link2"))] for model in MODELS} == {
        "first": [1, 0, 0],
        "last": [0, 0, 1],
        "linear": [third, third, 1 - 2 * third],
        "time decay": [Decimal("0.142857"), Decimal("0.285714"), Decimal("0.571429")],
        "position": [Decimal("0.4"), Decimal("0.2"), Decimal("0.4")],
    }
    assert all("link3" not in links for links in found.values())


def test_a_lead_whose_only_touch_came_after_it_is_its_own(shared: Database) -> None:
    found = leads_of(shared, told(shared, [Journey((9, 10), led=8.5, own=0, quantity=3)]))
    assert found == {model: {"link0": 3} for model in MODELS}


def test_of_a_customer_whose_touches_are_not_listed_the_own_one_counts(shared: Database) -> None:
    found = leads_of(shared, told(shared, [Journey((1, 2), led=3, own=1)], listed=False))
    assert found == {model: {"link1": 1} for model in MODELS}


def test_a_sale_goes_the_way_of_its_lead_wherever_that_lies(shared: Database) -> None:
    """The lead is before the window; a touch between it and the sale is none of the lead's."""
    workspace = told(shared, [Journey((-9, -8, 2), led=-7, own=0, paid=[(3, 5, "eur"), (4, 4, "usd")])])
    rows = shared.rows(
        f"SELECT link_id, leads, sale_amount FROM attribution_models({window(workspace)}) "
        "WHERE model = 'linear' ORDER BY link_id"
    )
    assert rows == [("link0", 0, {"eur": 2, "usd": 2}), ("link1", 0, {"eur": 3, "usd": 2})]


DAYS: Final = st.floats(-20, 40, width=16)
JOURNEYS: Final = st.lists(DAYS, min_size=1, max_size=20, unique=True).flatmap(
    lambda days: st.builds(
        Journey,
        st.just(sorted(days)),
        DAYS,
        st.integers(0, len(days) - 1),
        st.integers(1, 100),
        st.lists(st.tuples(DAYS, st.integers(0, 2**40), st.sampled_from(("usd", "eur", "jpy"))), max_size=3),
    )
)


@examples(25)
@given(st.lists(JOURNEYS, min_size=1, max_size=8))
def test_each_model_adds_up_to_the_leads_and_amounts_of_the_window(
    shared: Database, journeys: list[Journey]
) -> None:
    workspace = told(shared, journeys)
    asked = window(workspace)
    [(leads, amounts)] = shared.rows(
        "SELECT sum(leads), arraySort(groupArray((currency, total))) FROM "
        f"(SELECT '' AS currency, toInt128(0) AS total, leads FROM top_links({asked}) UNION ALL "
        "SELECT currency, sum(toInt128(amount)), 0 FROM sales WHERE workspace_id = "
        f"'{workspace}' AND timestamp >= '{FIRST_DAY:%F}' AND timestamp < '{day(31):%F}' GROUP BY currency)"
    )
    assert isinstance(amounts, list)
    whole = {currency: total for currency, total in amounts if currency}
    rows = shared.rows(
        f"SELECT model, sum(leads), sumMap(sale_amount) FROM attribution_models({asked}) GROUP BY model"
    )
    happened = any(0 <= one.led < 31 or any(0 <= at < 31 for at, _, _ in one.paid) for one in journeys)
    assert {row[0]: row[1:] for row in rows} == (dict.fromkeys(MODELS, (leads, whole)) if happened else {})
    shares = shared.rows(
        "SELECT model, lead_id, click_id, leads * 1000000 "
        f"FROM attribution_shares({asked}) WHERE sale_id = ''"
    )
    assert {(model, lead): None for model, lead, _, _ in shares}.keys() == {
        (model, f"{workspace}-{number}")
        for model in MODELS
        for number, one in enumerate(journeys)
        if 0 <= one.led < 31
    }
    for model, lead, click, share in shares:
        exact = _exact(str(model), journeys[int(str(lead).rpartition("-")[2])], str(click))
        assert exact is None or abs(Fraction(str(share)) - exact) < 1, (model, lead, click)


def _exact(model: str, journey: Journey, click: str) -> Fraction | None:
    """Millionths of a lead, by the textbook; of time decay none, whose powers are no fractions."""
    before = [place for place, at in enumerate(journey.days) if at <= journey.led or place == journey.own]
    place, touches = before.index(int(click.removeprefix("click"))), len(before)
    match model:
        case "first":
            share = Fraction(place == 0)
        case "last":
            share = Fraction(place == touches - 1)
        case "linear":
            share = Fraction(1, touches)
        case "position" if touches <= 2:
            share = Fraction(1, touches)
        case "position":
            share = Fraction(2, 5) if place in (0, touches - 1) else Fraction(1, 5 * (touches - 2))
        case _:
            return None
    return share * journey.quantity * 1_000_000
