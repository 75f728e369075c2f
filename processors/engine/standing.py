"""How an engine stands: for any thread, at any time, without waiting."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiokafka.structs import TopicPartition

from processors.engine.generation import Generation


@dataclass(frozen=True)
class Standing:
    """``restored``: partitions whose tables are there; None: no generation has begun, or it is over.

    ``lag``: by source partition, how many offsets are left to process up to the end of the log as of the last
    fetch, markers of transactions included; none of partitions that were not fetched from yet. ``states``: by
    table, at most so many.
    """

    restored: int | None
    lag: Mapping[TopicPartition, int]
    states: Mapping[str, int]


def standing(current: Generation | None, end_of: Callable[[TopicPartition], int | None]) -> Standing:
    """``end_of``: the end of a partition's log as far as it is known."""
    if current is None:
        return Standing(None, {}, {})
    # Copies are made in one go, whatever the main thread does meanwhile.
    processed, stores = dict(current.processed), dict(current.stores)
    lag = {tp: max(0, end - at) for tp, at in processed.items() if (end := end_of(tp)) is not None}
    states: dict[str, int] = {}
    for (table, _), store in stores.items():
        states[table] = states.get(table, 0) + store.size
    return Standing(len({partition for _, partition in stores}), lag, states)
