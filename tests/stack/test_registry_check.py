"""Records of the registries lie where their keys say, unless somebody has added partitions."""

from dataclasses import dataclass
from typing import Any

from processors.kafka.placement import partition_for
from processors.stack.registry_check import placement_told


@dataclass
class Record:
    topic: str
    partition: int
    key: bytes


def written(partitions: int) -> list[Any]:
    keys = [b"workspace-%d" % number for number in range(50)]
    return [Record("workspaces", partition_for(key, partitions), key) for key in keys]


def test_records_in_their_partitions() -> None:
    check = placement_told({"workspaces": 4}, written(4))
    assert (check.ok, check.found) == (True, "50 records, each in its partition")


def test_a_topic_that_was_given_more_partitions() -> None:
    check = placement_told({"workspaces": 6}, written(4))
    assert not check.ok
    assert "records of workspaces are in other partitions than 6 of them would have" in check.found
    assert check.remedy
