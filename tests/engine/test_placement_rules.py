"""Where keys go."""

import random

import pytest
from aiokafka.partitioner import DefaultPartitioner

from processors.engine.settings import changelog_topic, partition_for


@pytest.mark.parametrize("partitions", [1, 3, 8, 100])
def test_same_as_the_java_client(partitions: int) -> None:
    """aiokafka's partitioner is the Java client's; ours must agree byte for byte."""
    dice = random.Random(partitions)
    theirs = DefaultPartitioner()
    numbers = list(range(partitions))
    for length in range(64):
        key = dice.randbytes(length)
        assert partition_for(key, partitions) == theirs(key, numbers, numbers), key


def test_changelog_name() -> None:
    """Topics are created by others under this name."""
    assert changelog_topic("app", "clicks") == "app-clicks-changelog"
