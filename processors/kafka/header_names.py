"""Records whose headers have names that are no UTF-8.

Kafka lets any producer write such a name, and Java's clients read it with replacement characters. aiokafka
raises instead, at every fetch anew: one such record would stop its partition for good. :func:`tolerate` makes
it read on as Java does. On the way it compares the checksums of batches, a tenth of aiokafka's time for it.
"""

from collections.abc import Iterator
from typing import Any, Final, SupportsIndex

import google_crc32c
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy

#: In a batch: where its length ends, its magic byte, its checksum, and what that is of.
_LENGTH_TO: Final = 12
_MAGIC_AT: Final = 16
_CRC_AT: Final = 17
_CHECKED_FROM: Final = 21


def tolerate() -> None:
    """For every consumer of this process that is still to fetch. Idempotent."""
    fetcher.MemoryRecords = CheckedRecords
    fetcher.PartitionRecords = _PartitionRecords


class CheckedRecords(MemoryRecords):  # type: ignore[misc]
    """The fast parser, with the bytes to parse once more."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self.raw = raw
        self._begin = 0

    def next_batch(self) -> Any:
        """None: there is no further one. Raises ``CorruptRecordException``."""
        batch = super().next_batch()
        if batch is None:
            return None
        raw, begin = self.raw, self._begin
        self._begin = end = begin + _LENGTH_TO + int.from_bytes(raw[begin + 8 : begin + _LENGTH_TO])
        if raw[begin + _MAGIC_AT] < 2:
            is_whole = batch.validate_crc()
        else:
            checksum = google_crc32c.value(raw[begin + _CHECKED_FROM : end])
            is_whole = checksum == int.from_bytes(raw[begin + _CRC_AT : begin + _CHECKED_FROM])
        if not is_whole:
            offset = int.from_bytes(raw[begin : begin + 8])
            raise CorruptRecordException(f"the checksum of the batch at offset {offset} is wrong")
        return batch


class _PartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """Changes to the slow parser where the fast one fails, for the rest of the fetch."""

    _records: Any

    def _unpack_records(self) -> Iterator[Any]:
        self._check_crcs = False  # CheckedRecords does it
        try:
            yield from super()._unpack_records()
        except UnicodeDecodeError:
            self._check_crcs = True
            self._records = _TolerantRecords(self._records.raw, self.next_fetch_offset)
            yield from super()._unpack_records()
        except CorruptRecordException as error:
            raise CorruptRecordException(f"{self._tp}: {error.args[0]}") from error


class _TolerantRecords(_MemoryRecordsPy):  # type: ignore[misc]
    """From the batch on that holds this offset, or the next one."""

    def __init__(self, raw: bytes, offset: int) -> None:
        super().__init__(raw)
        while self._next_slice and _TolerantBatch(self._next_slice).next_offset <= offset:
            self._cache_next()

    def next_batch(self) -> Any:
        batch = self._next_slice
        self._cache_next()
        return _TolerantBatch(batch)


class _TolerantBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    _buffer: Any

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _TolerantBytes(self._buffer)


class _TolerantBytes(bytearray):
    """The parser decodes slices of its buffer, and nothing but names."""

    def __getitem__(self, place: SupportsIndex | slice) -> Any:
        part = super().__getitem__(place)
        return _TolerantBytes(part) if isinstance(part, bytearray) else part

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:  # noqa: ARG002 - never strict
        return super().decode(encoding, "replace")
