"""What is measured of Leadstream alone."""

import pytest

from bench import expiry, rewards
from bench.command import PARTS as SUBCOMMANDS
from bench.parts import PARTS, of_expiry, of_rewards


def test_every_part_is_a_command_of_its_own() -> None:
    assert [part.name for part in PARTS] == [name for name in SUBCOMMANDS if name != "stages"]


@pytest.fixture(scope="module")
def lives() -> expiry.Figures:
    return expiry.measured(minutes=0.5, pairs=1)


def test_clicks_get_old_and_go(lives: expiry.Figures) -> None:
    [life] = lives.aging
    assert lives.failure == ""
    assert life.dropped > 3 * lives.needed
    # Half as much again, and what comes while the watermark is three seconds behind: of five.
    assert lives.needed <= life.most <= 2.5 * lives.needed
    assert life.given_up > 0


def test_beside_it_nothing_gets_old(lives: expiry.Figures) -> None:
    [life] = lives.ageless
    assert (life.dropped, life.given_up) == (0, 0)
    assert life.most == pytest.approx(life.events, rel=0.01)
    assert life.events == lives.aging[0].events


def test_what_time_costs_is_told() -> None:
    told = of_expiry(0.05, 1)
    assert "| clicks get old |" in told.text
    assert "µs an event" in told.text


@pytest.mark.parametrize("policy", rewards.POLICIES)
def test_each_lead_is_rewarded(policy: str) -> None:
    us, earned = rewards.rewarded(rewards.POLICIES[policy], leads=2_500)
    assert earned == 2_500
    assert us > 0


def test_a_lead_without_its_reward_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewards, "rewarded", lambda _, leads: (1.0, leads - 1))
    told = of_rewards(1_000, 1)
    assert "an amount: 999 rewards for 1,000 leads" in told.failure
    assert "| an amount | 1.0 |" in told.text
