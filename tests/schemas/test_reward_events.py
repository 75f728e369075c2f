"""What is said of sales and rewards: which one it is about, and what the topic takes."""

import json

import pytest

from schemas.decoding import MAX_RECORD_BYTES, Refused
from schemas.ids import sale_id
from schemas.reasons import DeadLetterReason
from schemas.reward_decoding import decode_reward_event

NOW_MS = 1_764_000_000_000
REWARD_ID = "rw_0123456789abcdef0123456789abcdef"
SALE_ID = REWARD_ID.replace("rw", "sl")
REFUND = {"type": "refund", "workspaceId": "acme", "externalId": "u1", "eventId": "e1", "amount": 500}


def line(*members: dict[str, object], **more: object) -> bytes:
    return json.dumps({name: value for one in (*members, more) for name, value in one.items()}).encode()


def test_a_refund_is_of_the_sale_that_the_invoice_makes() -> None:
    event, _ = decode_reward_event(line(REFUND, invoiceId=" in_1 "), NOW_MS, NOW_MS)
    assert (event.target, event.refunded) == (sale_id("acme", "u1", "in_1"), 500)
    assert event.topic_key() == b"acme:u1"
    assert decode_reward_event(line(REFUND, saleId=SALE_ID), NOW_MS, NOW_MS)[0].target == SALE_ID


@pytest.mark.parametrize("kind", ["hold", "release", "cancel"])
def test_the_others_are_of_a_reward(kind: str) -> None:
    event, at_ms = decode_reward_event(
        line(REFUND, type=kind, rewardId=REWARD_ID, timestamp=NOW_MS - 5), NOW_MS, NOW_MS
    )
    assert (event.type_name, event.target, event.refunded, at_ms) == (kind, REWARD_ID, 0, NOW_MS - 5)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, DeadLetterReason.NOT_JSON),
        (b"nonsense", DeadLetterReason.NOT_JSON),
        (b"[]", DeadLetterReason.NOT_AN_OBJECT),
        (b" " * (MAX_RECORD_BYTES + 1), DeadLetterReason.TOO_LARGE),
        (line(REFUND), DeadLetterReason.SCHEMA_VIOLATION),
        (line(REFUND, type="purchase", invoiceId="in_1"), DeadLetterReason.SCHEMA_VIOLATION),
        (line(REFUND, invoiceId="in_1", timestamp=5), DeadLetterReason.TIMESTAMP_OUT_OF_RANGE),
    ],
)
def test_what_is_refused(value: bytes | None, reason: DeadLetterReason) -> None:
    with pytest.raises(Refused) as refused:
        decode_reward_event(value, NOW_MS, NOW_MS)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        (line(REFUND, type="hold", rewardId="nonsense"), "rewardId: expected rw_ and 32 hex digits"),
        (
            line(REFUND, saleId="sl_1"),
            "saleId: expected sl_ and 32 hex digits, for a sale without an invoiceId",
        ),
    ],
)
def test_it_says_what_an_id_looks_like(value: bytes, detail: str) -> None:
    with pytest.raises(Refused) as refused:
        decode_reward_event(value, NOW_MS, NOW_MS)
    assert refused.value.detail == detail
