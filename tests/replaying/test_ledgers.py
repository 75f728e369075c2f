"""What of two ledgers is not the same, and what may rightly be another."""

from typing import Any, Final

import pytest

from processors.errors import CheckFailed, Misconfigured
from processors.replaying.rewards import (
    CAPS,
    GONE,
    IN_VAIN,
    NOT_SETTLED,
    TOO_MANY,
    Compared,
    Customer,
    Ledger,
    differences,
    ledger_beside,
)
from processors.settings import Settings
from schemas.topics import SPECS, Role, Topic

KEY: Final = b"w1:ann"


def reward(**said: Any) -> dict[str, Any]:
    """Of a lead."""
    return {
        "rewardId": "rw_1",
        "revision": 1,
        "kind": "lead",
        "programId": "pg",
        "partnerId": "pn",
        "customerId": "cu_1",
        "sourceId": "ld_1",
        "sourceRevision": 1,
        "condition": None,
        "policyVersion": "2026-01-01T00:00:00.000Z",
        "gross": 2_500,
        "amount": 2_500,
        "delta": 2_500,
        "currency": "usd",
        "status": "payable",
        "reason": None,
        "earnedAt": "",
        "payableAt": "",
        **said,
    }


def refusal(reason: str | None, source: str = "ld_1", **said: Any) -> dict[str, Any]:
    return {"sourceId": source, "sourceRevision": 1, "kind": "lead", "reason": reason, **said}


def ledger(*said: dict[str, Any], **more: Any) -> Ledger:
    """In which this was said."""
    return Ledger(
        {one["rewardId"]: one for one in said if "rewardId" in one},
        {one["sourceId"]: one for one in said if "rewardId" not in one},
        **more,
    )


def why(
    live: Ledger, replay: Ledger, *, gone: bool = False, sources: set[str] | None = None
) -> set[str | None]:
    """The reasons of what differs."""
    return {apart for *_, apart in differences(Customer(live, replay, sources or {"ld_1"}), gone=gone)}


@pytest.mark.parametrize(
    ("live", "replay"),
    [
        (ledger(reward()), ledger(reward(revision=3, delta=0))),
        (ledger(reward(status="pending")), ledger(reward())),
        (ledger(reward(amount=0, status="cancelled")), ledger()),
        (ledger(refusal(None)), ledger()),
        (ledger(refusal("no_policy")), ledger()),
        (ledger(refusal("no_sale", "re_1", kind="refund")), ledger()),
    ],
)
def test_what_is_the_same(live: Ledger, replay: Ledger) -> None:
    """Revisions, time, and what was taken back or waits are no difference."""
    assert why(live, replay) == set()


@pytest.mark.parametrize(
    ("live", "replay"),
    [
        (ledger(reward()), ledger()),
        (ledger(), ledger(reward())),
        (ledger(reward()), ledger(reward(amount=2_499))),
        (ledger(reward()), ledger(reward(status="held", reason="held"))),
        (ledger(reward()), ledger(reward(sourceId="ld_2"))),
        (ledger(refusal("zero")), ledger(refusal("excluded"))),
    ],
)
def test_what_differs(live: Ledger, replay: Ledger) -> None:
    assert why(live, replay) == {None}


def test_what_a_cap_decides_by_arrival() -> None:
    under = {"claimed": {"rw_1": 1}, "answered": {"rw_1": 1}}
    whole, cut = ledger(reward(), **under), ledger(reward(amount=700, reason="capped"), **under)
    capped = ledger(refusal("capped"), **under)
    for one, other in ((whole, cut), (cut, whole), (whole, capped), (capped, cut)):
        assert why(one, other) == {CAPS}
    assert why(whole, ledger(reward(amount=700, gross=700), **under)) == {None}
    assert why(whole, ledger(refusal("zero"), **under)) == {None}


def test_under_a_cap_as_well_only_what_a_cap_cuts_is_apart() -> None:
    under = {"claimed": {"rw_1": 1}, "answered": {"rw_1": 1}}
    refunded = {"reason": "refunded", "status": "held"}

    def said(**one: Any) -> Ledger:
        return ledger(reward(**one), **under)

    assert why(said(amount=700, reason="capped"), said(amount=900, reason="capped")) == {CAPS}
    assert why(said(amount=700, **refunded), said(amount=900, **refunded)) == {CAPS}
    assert why(said(), said(amount=2_499)) == {None}
    assert why(said(), said(amount=1_250, reason="refunded")) == {None}
    assert why(said(), said(status="held", reason="held")) == {None}
    assert why(said(amount=700, reason="capped"), said(amount=700, reason="capped", status="held")) == {None}


def test_what_is_under_way() -> None:
    assert why(ledger(reward()), ledger(behind=True)) == {NOT_SETTLED}
    assert why(ledger(reward()), ledger(claimed={"rw_1": 2}, answered={"rw_1": 1})) == {NOT_SETTLED}


def test_what_waited_in_vain_or_is_too_many() -> None:
    assert why(ledger(refusal("no_policy")), ledger(reward())) == {IN_VAIN}
    late = ledger(reward(), refusal("no_sale", "re_1", kind="refund"))
    assert why(late, ledger(reward(amount=1_250, reason="refunded"))) == {IN_VAIN}
    assert why(ledger(reward(), refusal("too_many", "ld_9")), ledger()) == {TOO_MANY}


def test_what_retention_has_removed() -> None:
    assert why(ledger(reward()), ledger(), gone=True, sources={"ld_2"}) == {GONE}
    assert why(ledger(reward()), ledger(), gone=True, sources={"ld_1"}) == {None}
    assert why(ledger(reward()), ledger(), gone=False, sources={"ld_2"}) == {None}


def test_customers_are_counted_and_what_differs_is_named() -> None:
    compared = Compared()
    known = {
        KEY: Customer(ledger(reward()), ledger(reward())),
        b"w1:bob": Customer(ledger(reward()), ledger(reward(amount=0))),
        b"w1:cid": Customer(ledger(reward()), ledger(behind=True)),
        b"w1:nobody": Customer(Ledger(), Ledger()),
    }
    assert [str(one) for one in compared.add(known, gone=False)] == [
        "w1 bob: rw_1 differs in amount: 2500 usd payable live, 0 usd payable in the replay",
        "w1 cid: rw_1 is live only (not settled)",
    ]
    assert list(compared.lines()) == [
        "1 customers with the same rewards, 1 of them",
        "  apart, not settled: 1",
        "1 customer with other ones",
    ]


def test_a_ledger_that_stands_still_is_no_proof() -> None:
    compared = Compared()
    compared.require_something()
    behind = Customer(ledger(reward()), ledger(behind=True))
    assert len(list(compared.add({KEY: behind}, gone=False))) == 1
    with pytest.raises(CheckFailed, match="has not processed everything"):
        compared.require_something()
    assert not list(compared.add({b"w1:bob": Customer(ledger(reward()), ledger(reward()))}, gone=False))
    compared.require_something()


def test_a_replay_reads_what_the_live_ledger_reads_and_writes_elsewhere() -> None:
    live = Settings(topic_prefix="p.", output_prefix="o.")
    replay = ledger_beside(live, "rewards-2", None)
    assert replay.rewards_group == "p.rewards-2"
    for topic, spec in SPECS.items():
        writes = spec.rewards and spec.role in (Role.INTERNAL, Role.OUTPUT)
        assert replay.topic(topic) == (f"p.rewards-2.{topic}" if writes else live.topic(topic))
    assert replay.ledger_names[Topic.DEAD_LETTERS] == "p.rewards-2.dead-letters"
    assert live.ledger_names == live.names


@pytest.mark.parametrize(
    ("identity", "prefix"), [("leadstream-rewards", None), ("leadstream-worker", None), ("other", "p.")]
)
def test_the_live_ledger_is_not_written_to(identity: str, prefix: str | None) -> None:
    with pytest.raises(Misconfigured, match="live"):
        ledger_beside(Settings(topic_prefix="p."), identity, prefix)


def test_what_is_no_prefix_is_said_by_its_option() -> None:
    with pytest.raises(ValueError, match="--rewards-prefix"):
        ledger_beside(Settings(), "rewards-2", "a b")
