"""Sales of one customer so old that only this is known of them: that they were published."""

from collections.abc import Sequence
from struct import Struct as Layout
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

_MARK: Final = Layout(">8sq")
"""Half of a sale's id, and a time that the sale is not later than."""


class OldSales(Struct, frozen=True, array_like=True, gc=False):
    """``count``: of all of them. ``marks``: of the latest, in the order in which they grew old.

    ``dropped_ms``: no purchase that is not kept any more is later than this. ``until_ms``: of purchases at or
    before this, those without a mark may have been published or not; 0: of none.
    """

    count: int = 0
    marks: bytes = b""
    dropped_ms: int = 0
    until_ms: int = 0


NONE: Final = OldSales()


def with_old_sales(old: OldSales, sale_ids: Sequence[str], limit: int) -> OldSales:
    """After these have grown old, too. ``limit``: of marks."""
    marks = old.marks + b"".join([_MARK.pack(_half(sale_id), old.dropped_ms) for sale_id in sale_ids])
    surplus = len(marks) - limit * _MARK.size
    until_ms = old.until_ms
    if surplus > 0:
        until_ms = max(until_ms, *(at_ms for _, at_ms in _MARK.iter_unpack(marks[:surplus])))
        marks = marks[surplus:]
    return replace(old, count=old.count + len(sale_ids), marks=marks, until_ms=until_ms)


def is_old_sale(old: OldSales, sale_id: str) -> bool:
    """Is it known to have been published?"""
    half = _half(sale_id)
    found = old.marks.find(half)
    while found >= 0 and found % _MARK.size:
        found = old.marks.find(half, found + 1)
    return found >= 0


def _half(sale_id: str) -> bytes:
    return bytes.fromhex(sale_id[-16:])
