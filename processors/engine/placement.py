"""What is where: the changelog of a table, and the states of a partition."""

from collections.abc import Mapping
from itertools import islice
from typing import Final

from processors.engine.errors import TopicsMismatch
from processors.engine.stores import Store
from processors.kafka.placement import partition_for

_SAMPLE: Final = 32
"""States of each store, looked at to see whether their keys belong there."""


def changelog_topic(application_id: str, table: str) -> str:
    """Name of the topic that holds a table's history."""
    return f"{application_id}-{table}-changelog"


def check_placement(stores: Mapping[tuple[str, int], Store], partitions: int) -> None:
    """Raises :class:`TopicsMismatch` if states were stored under another number of partitions.

    The topics agree on the new one by then, yet events would no longer meet the states of their keys.
    """
    for (table, partition), store in stores.items():
        for key, _ in islice(store.states(), _SAMPLE):
            if partition_for(key, partitions) != partition:
                raise TopicsMismatch(
                    f"partition {partition} of table {table!r} holds a key that belongs elsewhere: it was"
                    f" written with another number of partitions than {partitions}. State cannot move:"
                    ' see "More partitions" in docs/scaling.md'
                )
