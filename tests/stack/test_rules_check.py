"""What ``leadstream doctor`` says of customers who keep other settings than those of the day."""

from collections import Counter
from dataclasses import replace
from typing import Final

import pytest

from processors.attribution.policy import Rules
from processors.engine import frame
from processors.stack.rules_check import kept_rules, rules_told
from schemas.times import DAY_MS
from tests.attribution.builders import T0, click, deferred, lead, policy
from tests.model.simulate import Network

NOW: Final = Rules("last-click", 90 * DAY_MS, 365 * DAY_MS)
BEFORE: Final = Rules("first-click", 30 * DAY_MS, 365 * DAY_MS)


def test_nothing_is_said_where_nothing_differs() -> None:
    assert rules_told(Counter(), NOW).found == "last-click, windows 90d and 365d"
    assert rules_told(Counter({NOW: 7}), NOW).found == "last-click, windows 90d and 365d"


def test_customers_who_keep_what_was_set_before_are_no_failure() -> None:
    check = rules_told(Counter({NOW: 1_000, BEFORE: 234}), NOW)
    assert check.ok
    assert check.found == (
        "last-click, windows 90d and 365d; of 1,234 customers with leads whose state was written last, "
        "234 keep first-click, windows 30d and 365d"
    )


def test_it_reads_what_the_workers_store() -> None:
    network = Network(policy(), T0)
    network.run([click("c1", 0), lead(10, click_id="c1"), deferred("c1", 10, customerExternalId="bob")])
    stored = [frame.wrap(raw, None, None) for raw in network.customers.values()]
    last = replace(policy(), model="last-click")
    assert kept_rules([*stored, None]) == {policy().rules: 1}, "bob has no lead, and nothing to keep"
    assert last.rules not in kept_rules(stored)


def test_a_state_of_a_newer_release_is_told_and_not_read() -> None:
    with pytest.raises(ValueError, match="written by a newer release"):
        kept_rules([frame.wrap(b"\x7f", None, None)])
