"""What must come of the chain of counters in :mod:`.toys`, whatever happened to its workers."""

import json
from collections import Counter
from collections.abc import Callable, Iterable

from processors.engine import frame


def answers(values: Iterable[bytes]) -> Counter[tuple[str, str, int]]:
    """(Key, key that was counted, count) of the outputs of a counter, each of which was made once."""
    documents = [json.loads(value) for value in values]
    assert len({document["id"] for document in documents}) == len(documents)
    return Counter((document["key"], document["from"], document["n"]) for document in documents)


def numbered(counts: Counter[str], to: Callable[[str], str]) -> Counter[tuple[str, str, int]]:
    """The answers to so many records of each key."""
    return Counter((to(key), key, n) for key, total in counts.items() for n in range(1, total + 1))


def up_to(log: Iterable[tuple[int, bytes, bytes | None]], position: int | None) -> dict[bytes, bytes]:
    """Dumped states by the records (offset, key, value) of a changelog up to a position; None: all."""
    states: dict[bytes, bytes] = {}
    for offset, key, value in log:
        if position is not None and offset > position:
            break
        if value is None:
            states.pop(key, None)
        else:
            states[key] = frame.body(value)
    return states
