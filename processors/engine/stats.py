"""Counters of one engine, for metrics and tests."""

from dataclasses import asdict, dataclass

from processors.engine.effects import Effects


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
    restore_seconds: float = 0.0
    stable_waits: int = 0  #: generations that waited for a former owner's transaction
    swept: int = 0  #: states dropped because they were older than their table's retention
    busy_seconds: float = 0.0  #: wall time spent in batches
    queued: int = 0  #: records waiting now
    generation: int = -1  #: generation that has begun, now; -1: none
    partitions: int = 0  #: partitions owned now, started or not
    stopped: int = 0  #: source partitions that stand still because too much of them was rejected, now
    watermark_ms: int = 0  #: everything that arrived before this has been processed, now

    def count(self, effects: Effects) -> None:
        """A batch has been committed."""
        self.batches += 1
        self.events += effects.events
        self.forwarded += effects.forwarded
        self.rejected += effects.rejected
        self.quarantined += len(effects.quarantined)
        self.expired += effects.expired
        self.outputs += sum(map(len, effects.outputs.values()))
        self.state_writes += sum(len(write.items) for write in effects.states.values())

    def as_dict(self) -> dict[str, float]:
        """A copy, for printing."""
        return asdict(self)
