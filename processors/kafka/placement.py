"""Which partition a key belongs to."""

from typing import Final

from murmurhash2 import murmurhash2

_JAVA_SEED: Final = 0x9747B28C


def partition_for(key: bytes, partitions: int) -> int:
    """The partition of a key: murmur2, as the Java client and aiokafka place it."""
    hashed: int = murmurhash2(key, _JAVA_SEED)
    return (hashed & 0x7FFFFFFF) % partitions
