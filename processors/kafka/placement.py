"""Which partition a key belongs to, and how partitions are told."""

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from murmurhash2 import murmurhash2

_JAVA_SEED: Final = 0x9747B28C


def partition_for(key: bytes, partitions: int) -> int:
    """The partition of a key: murmur2, as the Java client and aiokafka place it."""
    hashed: int = murmurhash2(key, _JAVA_SEED)
    return (hashed & 0x7FFFFFFF) % partitions


def in_words(partitions: Iterable[int]) -> str:
    """``0-3,6``: for a log."""
    runs = groupby(enumerate(sorted(set(partitions))), lambda one: one[1] - one[0])
    spans = [[number for _, number in run] for _, run in runs]
    return ",".join(str(one[0]) if len(one) == 1 else f"{one[0]}-{one[-1]}" for one in spans)
