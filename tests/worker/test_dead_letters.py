"""Dead letters carry why and whence; too many of them stop the worker."""

import hashlib
import random

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from msgspec.structs import replace

from processors.engine import Halt, Record
from processors.worker.dead_letters import WINDOW, DeadLetterLimit, dead_letter
from schemas.dead_letters import cause_of, replay_headers
from schemas.decoding import Refused
from schemas.reasons import DeadLetterReason
from schemas.topics import RESULT_BYTES

REFUSED = Refused(DeadLetterReason.SCHEMA_VIOLATION, "clickId: required")


RECORD = Record("clicks", 3, 42, 1_780_000_000_000, None, b"\xff not json")


def test_the_bytes_stay_as_they_came_and_headers_say_why() -> None:
    output = dead_letter("dead-letters", RECORD, REFUSED)
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
    output = dead_letter("dead-letters", replace(RECORD, key=b"acme:c1", value=value), REFUSED)
    headers, digest = dict(output.headers), hashlib.sha256(value).hexdigest()
    assert (output.key, output.value) == (b"acme:c1", None)
    assert headers["reason"] == b"schema_violation"
    assert headers["detail"].decode() == (
        f"clickId: required; its value is not kept: 12000000 bytes, sha256 {digest}"
    )
    assert (headers["value-bytes"], headers["value-sha256"]) == (b"12000000", digest.encode())
    assert cause_of(output.headers).value_sha256 == digest


def test_a_key_that_does_not_fit_is_left_out_and_the_value_kept() -> None:
    output = dead_letter("dead-letters", replace(RECORD, key=b"k" * 9_000_000), REFUSED)
    assert (output.key, output.value) == (None, RECORD.value)
    assert "its key is not kept: 9000000 bytes" in cause_of(output.headers).detail
    assert not cause_of(output.headers).value_sha256


@pytest.mark.parametrize("sizes", [(0, 8 << 20), (8 << 20, 8 << 20), (8 << 20, 0), (1 << 20, 7 << 20)])
def test_a_dead_letter_fits_into_its_topic(sizes: tuple[int, int]) -> None:
    """Whatever it compresses to, and with the longest detail there is."""
    key, value = map(random.Random(5).randbytes, sizes)
    refused = Refused(DeadLetterReason.SCHEMA_VIOLATION, "x" * 10_000)
    output = dead_letter("dead-letters", replace(RECORD, key=key, value=value), refused)
    builder = DefaultRecordBatchBuilder(2, DefaultRecordBatch.CODEC_SNAPPY, 1, 1, 1, 1, 1)
    assert builder.append(0, 0, output.key, output.value, list(output.headers)) is not None
    assert len(builder.build()) <= RESULT_BYTES


@pytest.mark.parametrize(
    ("attempt", "next_attempt"),
    [(b"1", b"2"), (b"9", b"10"), (b"x", b"1"), (None, b"1"), (b"9" * 5000, b"1"), ("²".encode(), b"1")],
)
def test_a_replayed_dead_letter_counts_its_attempts(attempt: bytes | None, next_attempt: bytes) -> None:
    record = replace(RECORD, headers=(("other", b"7"), ("attempt", attempt)))
    assert dict(dead_letter("dead-letters", record, REFUSED).headers)["attempt"] == next_attempt


def test_a_replayed_dead_letter_keeps_the_place_where_it_stood_at_first() -> None:
    first = dead_letter("dead-letters", RECORD, REFUSED)
    back = replay_headers(cause_of(first.headers))
    again = dead_letter("dead-letters", replace(RECORD, partition=1, offset=99, headers=back), REFUSED)
    assert cause_of(again.headers) == cause_of(first.headers)._replace(attempt=2)


def test_a_place_in_another_topic_is_not_believed() -> None:
    back = replay_headers(
        cause_of(dead_letter("dead-letters", replace(RECORD, topic="purchases"), REFUSED).headers)
    )
    output = dead_letter("dead-letters", replace(RECORD, headers=back), REFUSED)
    assert cause_of(output.headers).source == ("clicks", 3, 42)


def test_half_of_the_records_may_be_dead_letters() -> None:
    limit = DeadLetterLimit(0.5)
    for _ in range(5 * WINDOW):
        limit.seen += 1
        limit.dead(REFUSED)


def test_one_more_than_half_of_the_window_stops_the_worker() -> None:
    limit = DeadLetterLimit(0.5)
    for _ in range(WINDOW // 2 - 1):
        limit.seen += 1
    for _ in range(WINDOW // 2):
        limit.dead(REFUSED)
    with pytest.raises(Halt, match=r"501 of the last 1000 records.*clickId: required"):
        limit.dead(REFUSED)


def test_a_worker_that_has_just_started_is_judged_by_the_same_number() -> None:
    limit = DeadLetterLimit(0.5)
    for _ in range(WINDOW // 2):
        limit.dead(REFUSED)
    with pytest.raises(Halt, match=r"501 of the last 501 records"):
        limit.dead(REFUSED)


def test_limit_zero_stops_at_the_first_dead_letter() -> None:
    with pytest.raises(Halt, match=r"1 of the last 1 records"):
        DeadLetterLimit(0.0).dead(REFUSED)


def test_old_dead_letters_are_forgotten() -> None:
    limit = DeadLetterLimit(0.5)
    for _ in range(3):
        for _ in range(WINDOW // 2):
            limit.dead(REFUSED)
        for _ in range(WINDOW):
            limit.seen += 1


def test_limit_one_lets_everything_pass() -> None:
    limit = DeadLetterLimit(1.0)
    for _ in range(3 * WINDOW):
        limit.dead(REFUSED)
