"""A header name that is no UTF-8: read as Java's clients read it."""

from typing import Any

import google_crc32c
import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder

from processors.kafka.header_names import CheckedRecords, tolerate
from tests import odd_headers

PLACE = TopicPartition("clicks", 0)
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
RECORDS = 5


def batch(odd: int | None, codec: int = 0, producer: int | None = None) -> bytes:
    """Record number ``odd`` has the odd header; all have one that is not. ``producer``: of a transaction."""
    builder = odd_headers.builder(codec, producer)
    for number in range(RECORDS):
        headers = [("x", None), *([odd_headers.HEADER] if number == odd else [])]
        builder.append(number, 1_000 + number, None, b"v%d" % number, headers)
    return bytes(builder.build())


def fetched(*batches: bytes, aborted: list[tuple[int, int]] | None = None, start: int = 0) -> Any:
    raw = b"".join(
        (number * RECORDS).to_bytes(8, "big") + one[8:]  # the base offset is outside the checksum
        for number, one in enumerate(batches)
    )
    return of_raw(raw, aborted, start)


def of_raw(raw: bytes, aborted: list[tuple[int, int]] | None = None, start: int = 0) -> Any:
    tolerate()
    return fetcher.PartitionRecords(
        PLACE, fetcher.MemoryRecords(raw), aborted, start, None, None, True, fetcher.READ_COMMITTED
    )


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_is_read_with_replacement_characters(codec: int) -> None:
    records = list(fetched(batch(None, codec), batch(2, codec), batch(4, codec), batch(None, codec)))
    assert [record.offset for record in records] == list(range(4 * RECORDS))
    assert [record.value for record in records] == [b"v%d" % (n % RECORDS) for n in range(4 * RECORDS)]
    assert [record.timestamp for record in records] == [1_000 + n % RECORDS for n in range(4 * RECORDS)]
    odd = {record.offset: record.headers for record in records if len(record.headers) > 1}
    assert odd == dict.fromkeys((7, 14), (("x", None), (odd_headers.READ_AS, b"1")))


def test_there_is_no_batch_behind_the_last_one() -> None:
    """As aiokafka says it, also where the fetch ends within one."""
    whole = batch(None)
    records = CheckedRecords(whole + whole[:30])
    assert records.next_batch() is not None
    assert not records.has_next()
    assert records.next_batch() is None


def test_checksums_are_computed_in_c() -> None:
    """The library falls back to Python, at hundreds of times the cost, and only warns."""
    assert google_crc32c.implementation == "c"


def test_goes_on_where_it_was() -> None:
    records = fetched(batch(2), batch(0), start=1)
    assert [next(records).offset for _ in range(3)] == [1, 2, 3]
    assert records.next_fetch_offset == 4
    assert [record.offset for record in records] == [4, 5, 6, 7, 8, 9]
    assert records.next_fetch_offset == 10


def test_aborted_records_stay_aborted() -> None:
    of_seven = batch(None, producer=7)
    records = list(fetched(of_seven, batch(2), of_seven, aborted=[(7, 0)]))
    assert [record.offset for record in records] == [5, 6, 7, 8, 9]


@pytest.mark.parametrize("odd", [None, 2], ids=["even", "odd"])
@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_a_changed_byte_is_noticed_in_whichever_batch(codec: int, odd: int | None) -> None:
    """What came before is read. ``odd``: it was read by the slow parser."""
    begins = len(batch(odd, codec)) + 17  # the checksum, and what it is of
    raw = fetched(batch(odd, codec), batch(None, codec))._records.raw
    for place in range(begins, len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        records = of_raw(changed)
        assert [next(records).offset for _ in range(RECORDS)] == [*range(RECORDS)]
        with pytest.raises(CorruptRecordException, match="clicks"):
            next(records)


@pytest.mark.parametrize("magic", [0, 1])
def test_batches_of_before_kafka_0_11_are_read_and_checked(magic: int) -> None:
    builder = LegacyRecordBatchBuilder(magic, 0, 1 << 20)
    for number in range(RECORDS):
        builder.append(number, 1_000, b"k", b"v%d" % number)
    raw = bytes(builder.build())
    assert [record.value for record in of_raw(raw)] == [b"v%d" % number for number in range(RECORDS)]
    records = of_raw(raw[:-1] + b"x")
    assert [next(records).offset for _ in range(RECORDS - 1)] == [*range(RECORDS - 1)]
    with pytest.raises(CorruptRecordException, match="clicks"):
        next(records)
