"""What the ledger of rewards is measured with."""

import pytest

from bench.rewards import POLICIES, measured


@pytest.mark.parametrize("told", POLICIES)
def test_each_lead_is_rewarded(told: str) -> None:
    us, rewards = measured(POLICIES[told], leads=2_500)
    assert rewards == 2_500
    assert us > 0
