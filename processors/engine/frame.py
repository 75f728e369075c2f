"""How the engine wraps a state in the changelog and in the store: both hold the same bytes.

One flag byte, then the fields it announces, then the processor's own bytes::

    bit 0   8 bytes   due time, epoch ms, big-endian
    bit 1   4 bytes   time of writing, epoch s, big-endian (tables with a retention)

A restore can thus rebuild the due index, and a store can see the age, without decoding states.
"""

import struct
from collections.abc import Iterable

_DUE = 1
_WRITTEN = 2
_BODY = {0: 1, _DUE: 9, _WRITTEN: 5, _DUE | _WRITTEN: 13}
#: Where the time of writing is.
_AT = {0: slice(0), _DUE: slice(0), _WRITTEN: slice(1, 5), _DUE | _WRITTEN: slice(9, 13)}
_pack_due = struct.Struct(">BQ").pack
_pack_written = struct.Struct(">BI").pack
_pack_both = struct.Struct(">BQI").pack


def wrap(state: bytes, due_ms: int | None, written_s: int | None) -> bytes:
    """The stored form of a dumped state."""
    if due_ms is None:
        return b"\0" + state if written_s is None else _pack_written(_WRITTEN, written_s) + state
    if written_s is None:
        return _pack_due(_DUE, due_ms) + state
    return _pack_both(_DUE | _WRITTEN, due_ms, written_s) + state


def body(stored: bytes) -> bytes:
    """The dumped state inside."""
    return stored[_BODY[stored[0]] :]


def due_bytes(stored: bytes) -> bytes | None:
    """The due time as 8 sortable bytes."""
    return stored[1:9] if stored[0] & _DUE else None


def due_ms(stored: bytes) -> int | None:
    """The due time: the one authority for when a state is to be called again, whatever set it."""
    due = due_bytes(stored)
    return None if due is None else int.from_bytes(due, "big")


def written_s(stored: bytes) -> int | None:
    """When it was written."""
    written = stored[_AT[stored[0]]]
    return int.from_bytes(written, "big") if written else None


def newest_s(several: Iterable[bytes]) -> int | None:
    """When the latest of them was written; of those that do not say, not."""
    newest = max([stored[_AT[stored[0]]] for stored in several], default=b"")
    return int.from_bytes(newest, "big") if newest else None
