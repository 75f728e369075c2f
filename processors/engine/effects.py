"""What a batch wants: :class:`Effects`. Computed by :mod:`.batch`, made true by :mod:`.commit`."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from aiokafka.structs import TopicPartition

from processors.engine.processor import Output
from processors.engine.stores import Place
from processors.engine.trouble import Trouble
from processors.engine.watch import Quarantined


class DueEntry(NamedTuple):
    """A due time that has passed, as the store's index has it."""

    table: str
    partition: int
    entry: bytes
    due_ms: int
    key: bytes


class StateWrite(NamedTuple):
    """Changes of one store: stored forms (None: gone), and due entries that are used up."""

    items: dict[bytes, bytes | None]
    spent: list[bytes]


class Taken(NamedTuple):
    """Records of one partition that a batch has computed: how many, and the times of first and last.

    ``sample``: the value of the first one, for whoever looks at what comes in.
    """

    tp: TopicPartition
    records: int
    first_ms: int
    last_ms: int
    sample: bytes | None = None


@dataclass(slots=True)
class Effects:
    """All of it becomes true, or nothing."""

    now_ms: int
    offsets: dict[TopicPartition, int] = field(default_factory=dict)
    #: (topic, partition) -> records, in order; changelogs not among them.
    outputs: defaultdict[tuple[str, int], list[Output]] = field(default_factory=lambda: defaultdict(list))
    #: Changes of the stores, and of their changelogs.
    states: dict[Place, StateWrite] = field(default_factory=dict)
    #: Changes of what is remembered of source partitions, each with an offset of :attr:`offsets`.
    troubles: dict[TopicPartition, Trouble] = field(default_factory=dict)
    #: To be committed with the offsets, where there is any.
    metadata: dict[TopicPartition, str] = field(default_factory=dict)
    quarantined: list[Quarantined] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    #: By source topic.
    forwarded: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    expired: int = 0
