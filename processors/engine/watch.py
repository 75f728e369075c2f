"""Trouble during one batch: what is known of it, and what the batch adds. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from aiokafka.structs import TopicPartition
from msgspec.structs import replace

from processors.engine.errors import ProcessorHalt
from processors.engine.inbox import Chunk
from processors.engine.processor import Rejected
from processors.engine.records import Record
from processors.engine.rejections import SPAN, TooManyRejected, Window, in_words, is_everywhere
from processors.engine.settings import Limits
from processors.engine.trouble import Failure, Trouble, Troubles

DEATHS: Final = 2
"""So many a record may cause before it is passed over."""


class ProcessorFailed(Exception):
    """A processor raised on a record. ``trouble``: what to note of ``tp`` before the worker ends."""

    def __init__(self, tp: TopicPartition, trouble: Trouble, text: str) -> None:
        super().__init__(text)
        self.tp = tp
        self.trouble = trouble


class Quarantined(NamedTuple):
    """What a batch passed over, once it is committed."""

    tp: TopicPartition
    failure: Failure

    def __str__(self) -> str:
        """For a log: without the error's text, which may quote the record."""
        what, then = _named(self.tp, self.failure), "is a dead letter now"
        if self.failure.due:
            then = "is kept as it is, with what it holds"
        return f"{what} ended the worker {self.failure.deaths} times and {then}: {self.failure.kind}"

    def keys(self) -> dict[str, object]:
        """The same, to look for."""
        place = "due_ms" if self.failure.due else "offset"
        return {"topic": self.tp.topic, "partition": self.tp.partition, place: self.failure.offset}


def _named(tp: TopicPartition, failure: Failure) -> str:
    if failure.due:
        return f"the state that was due at {failure.offset} ms in partition {tp.partition} beside {tp.topic}"
    return f"{tp.topic}, partition {tp.partition}, offset {failure.offset}"


class Watch:
    """One attempt at a batch. What is not committed is forgotten with it."""

    def __init__(self, limits: Limits, troubles: Troubles, now_ms: int) -> None:
        self._limits = limits
        self._troubles = troubles
        self._now_ms = now_ms
        self._rejected: defaultdict[TopicPartition, dict[int, Rejected]] = defaultdict(dict)
        #: What is to be committed with the batch.
        self.changed: dict[TopicPartition, Trouble] = {}
        self.quarantined: list[Quarantined] = []

    def __getitem__(self, tp: TopicPartition) -> Trouble:
        """As the batch has left it so far."""
        changed = self.changed.get(tp)
        return self._troubles[tp] if changed is None else changed

    @property
    def any_failures(self) -> bool:
        """Of records of any partition."""
        return any(not failure.due for trouble in self._all().values() for failure in trouble.failures)

    def _all(self) -> dict[TopicPartition, Trouble]:
        return {**self._troubles.items(), **self.changed}

    # --- quarantine

    def pass_over(self, tp: TopicPartition, failure: Failure) -> Failure | None:
        """Is it to be passed over? Then as it is known, and counted as done."""
        trouble = self[tp]
        known = trouble.find(failure)
        if known is None or known.deaths < DEATHS or self._quota_is_used():
            return None
        self.changed[tp] = trouble.after_quarantine(known, self._now_ms)
        self.quarantined.append(Quarantined(tp, known))
        return known

    def passed(self, tp: TopicPartition, failure: Failure) -> None:
        """It did not fail after all."""
        trouble = self[tp]
        if known := trouble.find(failure):
            left = tuple(failure for failure in trouble.failures if failure is not known)
            self.changed[tp] = replace(trouble, failures=left)

    def failed(self, tp: TopicPartition, failure: Failure) -> ProcessorFailed:
        """To raise. The trouble is as before the batch, and one death more."""
        trouble = self._troubles[tp].after_death(failure)
        deaths = trouble.failures[-1].deaths
        if deaths > DEATHS:
            advice = (
                f"{self._limits.quarantined_an_hour} records were passed over within the last hour: it is "
                "not the records, it is this release. Deploy one that can process them"
            )
        elif deaths == DEATHS:
            advice = "the next start passes it over"
        else:
            advice = "the next start tries it once more"
        times = "once" if deaths == 1 else f"{deaths} times"
        return ProcessorFailed(tp, trouble, f"{_named(tp, failure)} has ended the worker {times}; {advice}")

    def _quota_is_used(self) -> bool:
        used = sum(trouble.quarantined(self._now_ms) for trouble in self._all().values())
        return used >= self._limits.quarantined_an_hour

    # --- the share of rejected records

    def reject(self, record: Record, rejected: Rejected) -> None:
        """A record was rejected."""
        self._rejected[TopicPartition(record.topic, record.partition)][record.offset] = rejected

    def count(self, chunks: Iterable[Chunk]) -> None:
        """All records have been computed.

        Raises :class:`TooManyRejected` for one partition, :class:`ProcessorHalt` for all of them.
        """
        last: Rejected | None = None
        for chunk in chunks:
            before, rejected = self[chunk.tp], self._rejected.get(chunk.tp, {})
            if not chunk.records or not (rejected or before.failures or before.window.last):
                continue  # nearly always
            window = self._count(chunk, before.window, rejected) if self._limits.rejected < 1 else Window()
            after = replace(before.behind(chunk.next_offset), window=window)
            if after != before:
                self.changed[chunk.tp] = after
            last = next((found for found in reversed(rejected.values()) if found.counts), last)
        if last is not None and self._limits.rejected < 1:
            self._judge(last)

    def _count(self, chunk: Chunk, window: Window, rejected: Mapping[int, Rejected]) -> Window:
        records, rejections = len(chunk.records), []
        if rejected:
            records = 0
            for record in chunk.records:
                rejection = rejected.get(record.offset)
                records += rejection is None or rejection.counts
                if rejection is not None and rejection.counts:
                    rejections.append((records, rejection))
        after, too_much = window.after(records, rejections, self._limits.rejected * SPAN)
        if too_much is not None:
            where = f"{chunk.tp.topic}, partition {chunk.tp.partition}, stands still"
            raise TooManyRejected(chunk.tp, f"{where}: {self._in_words([after], too_much)}")
        return after if after.rejected else Window()

    def _judge(self, last: Rejected) -> None:
        stopped = self._troubles.stopped
        windows = [
            trouble.window for tp, trouble in self._all().items() if trouble.window.last and tp not in stopped
        ]
        if is_everywhere(windows, self._limits.rejected):
            raise ProcessorHalt(self._in_words(windows, last))

    def _in_words(self, windows: Sequence[Window], last: Rejected) -> str:
        return f"{in_words(windows, last)}. Nothing was skipped. {self._limits.remedy}".rstrip()
