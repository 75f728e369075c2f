"""Record batches are what every client reads."""

import pytest
from aiokafka.record.default_records import DefaultRecordBatch
from hypothesis import given
from hypothesis import strategies as st

from processors.engine.kafka.packing import CODECS, pack
from processors.engine.producer import Fields

_TEXTS = st.none() | st.binary(max_size=100)
_HEADERS = st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=5)), max_size=2)
RECORDS: st.SearchStrategy[list[Fields]] = st.lists(
    st.tuples(_TEXTS, _TEXTS, _HEADERS, st.integers(0, 1 << 40)), min_size=1, max_size=20
)
ROOMY = 1 << 20


@pytest.mark.parametrize("codec", CODECS.values(), ids=map(str, CODECS))
@given(records=RECORDS)
def test_a_batch_holds_what_was_put_into_it(codec: int, records: list[Fields]) -> None:
    packed, count = pack(records, codec, (7, 3), 40, ROOMY)
    batch = DefaultRecordBatch(bytes(packed))
    assert batch.validate_crc()
    assert (count, batch.is_transactional) == (len(records), True)
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (7, 3, 40)
    assert [(one.key, one.value, one.headers, one.timestamp) for one in batch] == records


def test_gzip_is_smaller_and_marked_as_what_it_is() -> None:
    records: list[Fields] = [(b"acme:u1", b'{"leadId":"ld_1"}' * 20, [], 1)] * 50
    plain, _ = pack(records, CODECS[None], (7, 3), 0, ROOMY)
    zipped, _ = pack(records, CODECS["gzip"], (7, 3), 0, ROOMY)
    assert len(zipped) < len(plain) / 10
    assert DefaultRecordBatch(bytes(zipped)).compression_type == DefaultRecordBatch.CODEC_GZIP


def test_what_gzip_would_make_larger_stays_as_it_is() -> None:
    packed, _ = pack([(b"k", b"v", [], 1)], CODECS["gzip"], (7, 3), 0, ROOMY)
    assert DefaultRecordBatch(bytes(packed)).compression_type == 0


def test_a_batch_ends_where_it_is_full() -> None:
    records: list[Fields] = [(None, bytes(400), [], 1)] * 5
    _, count = pack(records, CODECS["gzip"], (7, 3), 0, 1_000)
    assert count == 2
