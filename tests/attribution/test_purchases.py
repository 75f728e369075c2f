"""Which lead a purchase belongs to, and when two purchases are one (rule 14)."""

from dataclasses import replace as with_record

import pytest

from processors.audit.model.reference import ReferenceModel
from tests.attribution.builders import HOLD, T0, arrived, click, implicit, lead, network, policy, purchase
from tests.model.simulate import Record


def sales(records: list[Record]) -> list[tuple[int, str]]:
    """Amount and lead of each sale; the joins agree with the model."""
    system = network()
    system.run(records)
    system.drain()
    found = system.published.outcome()
    assert found.sales == ReferenceModel(policy()).compute(arrived(records)).sales
    return sorted((one.amount, one.lead_event_name) for one in found.sales.values())


def at_record_time(one: Record, at: int) -> Record:
    """The same bytes in a record of another time."""
    return with_record(implicit(one), timestamp=T0 + at)


LEADS = [click("c1", 0), lead(40, "First", "c1"), lead(60, "Second", "c1")]


@pytest.mark.parametrize(
    ("at", "belongs_to"),
    [
        (60, "Second"),
        (59, "First"),
        (40, "First"),
        (39, "First"),
        (40 - HOLD, "First"),
        (39 - HOLD, None),
    ],
)
def test_a_purchase_belongs_to_the_lead_before_it_or_else_soon_after(at: int, belongs_to: str | None) -> None:
    expected = [] if belongs_to is None else [(100, belongs_to)]
    assert sales([*LEADS, purchase(at)]) == expected
    assert sales([purchase(at), *LEADS]) == expected


@pytest.mark.parametrize(
    ("at", "belongs_to"), [(60, "Second"), (59, "Second"), (60 - HOLD, "Second"), (59 - HOLD, None)]
)
def test_so_it_does_to_a_lead_that_it_names(at: int, belongs_to: str | None) -> None:
    expected = [] if belongs_to is None else [(100, belongs_to)]
    assert sales([*LEADS, purchase(at, leadEventName="second")]) == expected
    assert sales([purchase(at, leadEventName="second"), *LEADS]) == expected


def test_a_lead_at_or_before_it_beats_one_after_it_whichever_comes_first() -> None:
    early, late = lead(20, "Early", "c1"), lead(60, "Late", "c1")
    assert sales([click("c1", 0), late, purchase(50), early]) == [(100, "Early")]
    assert sales([click("c1", 0), early, purchase(50), late]) == [(100, "Early")]


def test_a_purchase_that_only_its_record_dates_is_one_however_often_it_is_sent() -> None:
    """Sent twice, it has two records and two times; the earlier one counts."""
    once, again = (at_record_time(purchase(0), at) for at in (70, 80))
    for records in ([once, again], [again, once], [once, again, once]):
        assert sales([*LEADS, *records]) == [(100, "Second")]


@pytest.mark.parametrize(
    "fields", [{"amount": 101}, {"currency": "eur"}, {"metadata": {"seats": 2}}, {"eventName": "Renewal"}]
)
def test_other_content_is_another_purchase(fields: dict[str, object]) -> None:
    one, other = at_record_time(purchase(0), 70), at_record_time(purchase(0, **fields), 70)
    assert len(sales([*LEADS, one, other])) == 2


def test_so_is_the_same_content_at_a_time_of_its_own() -> None:
    assert len(sales([*LEADS, purchase(70), purchase(71), at_record_time(purchase(0), 70)])) == 3
