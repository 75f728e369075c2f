"""Records of the registries lie where their keys say, unless somebody has added partitions."""

from dataclasses import dataclass
from typing import Any

from processors.kafka.placement import partition_for
from processors.stack.registry_check import placement_told

KEYS = [b"workspace-%d" % number for number in range(50)]


@dataclass
class Record:
    topic: str
    partition: int
    key: bytes
    value: bytes = b"{}"
    timestamp: int = 1


def written(partitions: int) -> list[Any]:
    return [Record("workspaces", partition_for(key, partitions), key) for key in KEYS]


def test_records_in_their_partitions() -> None:
    check = placement_told({"workspaces": 4}, written(4))
    assert (check.ok, check.found) == (True, "50 records, each in its partition")


def test_a_topic_that_was_given_more_partitions() -> None:
    check = placement_told({"workspaces": 6}, written(4))
    moved = sum(partition_for(key, 4) != partition_for(key, 6) for key in KEYS)
    assert check.ok
    assert check.found.startswith(f"50 records, of which {moved} lie where they were before")
