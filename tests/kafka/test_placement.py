"""How partitions are told."""

from processors.kafka.placement import in_words


def test_partitions_are_told_in_runs() -> None:
    assert in_words([3, 0, 1, 2, 6, 6]) == "0-3,6"
    assert in_words([]) == ""
