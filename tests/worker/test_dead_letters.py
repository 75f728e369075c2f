"""Dead letters carry why and whence, and fit into their topic."""

import hashlib
import random

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from msgspec.structs import replace

from processors.engine import Output, Record
from processors.engine.settings import CHANGELOG_BYTES
from processors.worker.dead_letters import limits, rejected
from schemas.dead_letters import cause_of, replay_headers
from schemas.decoding import Refused
from schemas.reasons import DeadLetterReason
from schemas.topics import INPUT_BYTES, RESULT_BYTES

REFUSED = Refused(DeadLetterReason.SCHEMA_VIOLATION, "clickId: required")


RECORD = Record("clicks", 3, 42, 1_780_000_000_000, None, b"\xff not json")


def dead_letter(record: Record, refused: Refused) -> Output:
    [output] = rejected("dead-letters", record, refused).outputs
    return output


def test_the_bytes_stay_as_they_came_and_headers_say_why() -> None:
    output = dead_letter(RECORD, REFUSED)
    assert (output.topic, output.key, output.value) == ("dead-letters", None, b"\xff not json")
    assert dict(output.headers) == {
        "reason": b"schema_violation",
        "detail": b"clickId: required",
        "source-topic": b"clicks",
        "source-partition": b"3",
        "source-offset": b"42",
        "source-timestamp": b"1780000000000",
        "attempt": b"1",
    }


def test_what_does_not_fit_is_left_out_and_measured() -> None:
    """The topic takes 8 MiB as they are written: a record that another codec made small may not fit."""
    value = b"x" * 12_000_000
    output = dead_letter(replace(RECORD, key=b"acme:c1", value=value), REFUSED)
    headers, digest = dict(output.headers), hashlib.sha256(value).hexdigest()
    assert (output.key, output.value) == (b"acme:c1", None)
    assert headers["reason"] == b"schema_violation"
    assert headers["detail"].decode() == (
        f"clickId: required; its value is not kept: 12000000 bytes, sha256 {digest}"
    )
    assert (headers["value-bytes"], headers["value-sha256"]) == (b"12000000", digest.encode())
    assert cause_of(output.headers).value_sha256 == digest


def test_a_key_that_does_not_fit_is_left_out_and_the_value_kept() -> None:
    output = dead_letter(replace(RECORD, key=b"k" * 9_000_000), REFUSED)
    assert (output.key, output.value) == (None, RECORD.value)
    assert "its key is not kept: 9000000 bytes" in cause_of(output.headers).detail
    assert not cause_of(output.headers).value_sha256


@pytest.mark.parametrize("sizes", [(0, 8 << 20), (8 << 20, 8 << 20), (8 << 20, 0), (1 << 20, 7 << 20)])
def test_a_dead_letter_fits_into_its_topic(sizes: tuple[int, int]) -> None:
    """Whatever it compresses to, and with the longest detail there is."""
    key, value = map(random.Random(5).randbytes, sizes)
    refused = Refused(DeadLetterReason.SCHEMA_VIOLATION, "x" * 10_000)
    output = dead_letter(replace(RECORD, key=key, value=value), refused)
    builder = DefaultRecordBatchBuilder(2, DefaultRecordBatch.CODEC_SNAPPY, 1, 1, 1, 1, 1)
    assert builder.append(0, 0, output.key, output.value, list(output.headers)) is not None
    assert len(builder.build()) <= RESULT_BYTES


@pytest.mark.parametrize(
    ("largest", "taken"),
    [
        (limits(0.5).output_bytes, RESULT_BYTES),
        (limits(0.5).forward_bytes, INPUT_BYTES),
        (limits(0.5).state_bytes, CHANGELOG_BYTES),
    ],
    ids=["outputs", "what is sent on", "states"],
)
def test_the_largest_that_the_engine_lets_pass_fits_into_its_topic(largest: int, taken: int) -> None:
    """Though it cannot be compressed."""
    value = random.Random(7).randbytes(largest)
    builder = DefaultRecordBatchBuilder(2, DefaultRecordBatch.CODEC_SNAPPY, 1, 1, 1, 1, 1)
    headers = [("name", b"x" * 5_000)]
    assert builder.append(0, 0, b"k" * 200, value, headers) is not None
    assert len(builder.build()) <= taken


@pytest.mark.parametrize(
    ("attempt", "next_attempt"),
    [(b"1", b"2"), (b"9", b"10"), (b"x", b"1"), (None, b"1"), (b"9" * 5000, b"1"), ("²".encode(), b"1")],
)
def test_a_replayed_dead_letter_counts_its_attempts(attempt: bytes | None, next_attempt: bytes) -> None:
    record = replace(RECORD, headers=(("other", b"7"), ("attempt", attempt)))
    assert dict(dead_letter(record, REFUSED).headers)["attempt"] == next_attempt


def test_a_replayed_dead_letter_keeps_the_place_where_it_stood_at_first() -> None:
    first = dead_letter(RECORD, REFUSED)
    back = replay_headers(cause_of(first.headers))
    again = dead_letter(replace(RECORD, partition=1, offset=99, headers=back), REFUSED)
    assert cause_of(again.headers) == cause_of(first.headers)._replace(attempt=2)


def test_a_place_in_another_topic_is_not_believed() -> None:
    back = replay_headers(cause_of(dead_letter(replace(RECORD, topic="purchases"), REFUSED).headers))
    output = dead_letter(replace(RECORD, headers=back), REFUSED)
    assert cause_of(output.headers).source == ("clicks", 3, 42)


@pytest.mark.parametrize(
    ("reason", "detail", "why"),
    [
        (DeadLetterReason.SCHEMA_VIOLATION, "clickId: required", "schema_violation: clickId: required"),
        (
            DeadLetterReason.SCHEMA_VIOLATION,
            "mode: Invalid enum value 'it's ann@planted.example'",
            "schema_violation: mode: Invalid enum value …",
        ),
        (DeadLetterReason.PROCESSING_FAILED, "KeyError: ann@planted.example", "processing_failed: KeyError"),
    ],
)
def test_what_the_operator_is_told_quotes_no_value(reason: DeadLetterReason, detail: str, why: str) -> None:
    refused = Refused(reason, detail)
    assert rejected("dead-letters", RECORD, refused).why == why
    assert cause_of(dead_letter(RECORD, refused).headers).detail == detail
