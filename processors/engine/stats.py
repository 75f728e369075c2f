"""Counters of one engine, for metrics and tests.

They are added to once a batch, by the main thread, with plain numbers: any thread may read them at any time.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from aiokafka.structs import TopicPartition

from processors.engine.effects import Effects
from processors.histogram import LONG_S, Histogram


def _long() -> Histogram:
    return Histogram(LONG_S)


@dataclass(slots=True)
class Stats:
    """Everything counts up from the start of the process, except where it says "now"."""

    batches: int = 0  #: transactions committed
    events: int = 0  #: records applied, forwarded or rejected, and committed
    forwarded: int = 0  #: records sent on to their right place
    rejected: int = 0  #: records parse() refused
    quarantined: int = 0  #: records, and expiries, passed over because they ended the worker twice
    expired: int = 0  #: states handed to expire()
    outputs: int = 0  #: records written, changelogs not counted
    state_writes: int = 0  #: changelog records written
    superseded: int = 0  #: batches dropped because their generation was over
    fenced: int = 0  #: of those superseded: refused by the group coordinator and aborted
    seekbacks: int = 0  #: fetches refused because records were missing in front
    trimmed: int = 0  #: fetches of which a part had been accepted before
    retention_gaps: int = 0  #: offsets that retention removed before we read them
    restored: int = 0  #: changelog records read back
    stable_waits: int = 0  #: generations that waited for a former owner's transaction
    dropped: int = 0  #: states dropped because they were older than their table's retention
    queued: int = 0  #: records that waited after the last batch
    generation: int = -1  #: generation that has begun, now; -1: none
    partitions: int = 0  #: partitions owned now, started or not
    stopped: int = 0  #: source partitions that stand still because too much of them was rejected, now
    watermark_ms: int = 0  #: everything that arrived before this has been processed, now

    #: Records by (source topic, what became of them): "applied", "forwarded", "rejected", "quarantined".
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Records written, by topic.
    written: Counter[str] = field(default_factory=Counter)
    #: What was tried again, by the kind of its error.
    retries: Counter[str] = field(default_factory=Counter)
    #: States that wait for time, by table, now.
    held: Mapping[str, int] = field(default_factory=dict)
    #: Of each partition, the time of the last record that was processed.
    reached_ms: dict[TopicPartition, int] = field(default_factory=dict)

    batch_seconds: Histogram = field(default_factory=Histogram)  #: batches, also those that were dropped
    transaction_seconds: Histogram = field(default_factory=Histogram)  #: of those, what Kafka and stores took
    #: By source topic: from the time of a record until what it led to is committed. Each record counts with
    #: the age of the first one of its chunk.
    age_seconds: defaultdict[str, Histogram] = field(default_factory=lambda: defaultdict(_long))
    rebalance_seconds: Histogram = field(default_factory=_long)  #: from its first sign to the new assignment
    restore_seconds: Histogram = field(default_factory=_long)  #: until all partitions of a generation started

    def begin(self, generation: int, partitions: int) -> None:
        """A generation has begun: what is so now was so of the partitions of the one before."""
        self.generation, self.partitions = generation, partitions
        self.stopped, self.watermark_ms, self.held = 0, 0, {}

    def count(self, effects: Effects, now_ms: int) -> None:
        """A batch has been committed."""
        self.batches += 1
        applied: Counter[str] = Counter()
        for tp, records, first_ms, last_ms, _ in effects.taken:
            topic = tp.topic
            self.events += records
            applied[topic] += records
            if first_ms >= 0:
                self.age_seconds[topic].add(max(0, now_ms - first_ms) / 1000, records)
            self.reached_ms[tp] = last_ms
        if effects.forwarded or effects.rejected:
            self._count_others(effects, applied)
        # No sooner: whoever reads meanwhile would take a counter that goes back for one that began anew.
        for topic, records in applied.items():
            self.outcomes[topic, "applied"] += records
        for (topic, partition), outputs in effects.outputs.items():  # noqa: B007 - the key has both
            self.outputs += len(outputs)
            self.written[topic] += len(outputs)
        self.expired += effects.expired
        self.state_writes += sum([len(write.items) for write in effects.states.values()])
        self.quarantined += len(effects.quarantined)

    def retry(self, cause: str) -> None:
        """Something is tried again. ``cause``: the kind of its error, one of few."""
        self.retries[cause] += 1

    def _count_others(self, effects: Effects, applied: Counter[str]) -> None:
        """Records that were not applied, which come off these; rare."""
        passed_over = Counter(one.tp.topic for one in effects.quarantined if not one.failure.due)
        others = {
            "forwarded": effects.forwarded,
            "rejected": effects.rejected - passed_over,
            "quarantined": passed_over,
        }
        for outcome, by_topic in others.items():
            for topic, records in by_topic.items():
                self.outcomes[topic, outcome] += records
                applied[topic] -= records
        self.forwarded += effects.forwarded.total()
        self.rejected += effects.rejected.total()

    def as_dict(self) -> dict[str, float]:
        """The plain numbers, for printing."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in found.items() if isinstance(value, int | float)}
