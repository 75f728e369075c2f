"""The brokers' time of a partition, as if no clock were ever set back.

The brokers stamp results, and versions rest on that: the later record has the later time. But the clock of
the next leader may be behind, and any clock may be set back. So no record counts as older than one before it
in its partition. What has to be known for that goes with the partition: every commit carries the time that
was reached, and whoever gets the partition next goes on from there.

Read anew from the beginning, a record counts as it did. Read anew after retention has removed what came
before it, it may count as older than it did: it loses against its own row of then, which says the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from aiokafka import ConsumerRecord, TopicPartition

from processors.sink.rows import position

_PREFIX: Final = "time="
_NOTHING: Final = (-1, -1)


class BrokerTime:
    """By partition: time and offset of the last record, as it counted."""

    def __init__(self) -> None:
        self._last: dict[TopicPartition, tuple[int, int]] = {}

    def forget(self) -> None:
        """Partitions come and go: what another sink has read meanwhile is not known here."""
        self._last.clear()

    def unknown(self, places: Iterable[TopicPartition]) -> list[TopicPartition]:
        """Those that :meth:`resume` has to be told of before their records are taken."""
        return [place for place in places if place not in self._last]

    def resume(self, place: TopicPartition, offset: int, metadata: str) -> None:
        """As it was committed. That of an earlier release has no time; offset −1: never committed."""
        text = metadata.removeprefix(_PREFIX)
        time_ms = int(text) if text != metadata and text.isdecimal() else -1
        self._last[place] = time_ms, max(offset - 1, -1)

    def metadata(self, place: TopicPartition) -> str:
        """What a commit up to the last record has to carry for :meth:`resume`."""
        return f"{_PREFIX}{self._last.get(place, _NOTHING)[0]}"

    def steady(self, place: TopicPartition, records: Sequence[ConsumerRecord]) -> Sequence[ConsumerRecord]:
        """Records of one partition in the order of their offsets, each with the time at which it counts.

        One that was read before is left as it is.
        """
        time_ms, offset = self._last.get(place, _NOTHING)
        steadied: list[ConsumerRecord] | None = None
        for number, record in enumerate(records):
            counted = record
            if record.offset > offset:
                reached = position(time_ms, offset) if time_ms >= 0 else -1
                time_ms, offset = max(time_ms, record.timestamp), record.offset
                if position(time_ms, offset) <= reached:
                    time_ms += 1  # the low bits of the offset have begun anew within this time
                if time_ms != record.timestamp:
                    steadied = steadied or list(records[:number])
                    counted = replace(record, timestamp=time_ms)
            if steadied is not None:
                steadied.append(counted)
        self._last[place] = time_ms, offset
        return records if steadied is None else steadied
