"""Where keys go."""

import random
from pathlib import Path

import pytest
from aiokafka.partitioner import DefaultPartitioner

from processors.engine import frame
from processors.engine.errors import TopicsMismatch
from processors.engine.placement import changelog_topic, check_placement
from processors.engine.state.memory import MemoryStore
from processors.engine.stores import Store
from processors.kafka.placement import partition_for


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


@pytest.mark.parametrize("then", [1, 2, 3, 4, 12])
def test_state_of_another_number_of_partitions_is_refused(then: int) -> None:
    """Events of a key would no longer meet its state, and nobody would notice."""
    stores: dict[tuple[str, int], Store] = {
        ("t", partition): MemoryStore(Path(f"t-{partition}")) for partition in range(then)
    }
    for number in range(400):
        key = b"k%d" % number
        stores["t", partition_for(key, then)].write({key: frame.wrap(b"s", None, None)}, number, 0)
    check_placement(stores, then)
    with pytest.raises(TopicsMismatch, match=r"another number of partitions.*docs/scaling\.md"):
        check_placement(stores, 2 * then)
