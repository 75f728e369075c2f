"""What a batch does, computed without I/O but the reading of states, and without an ``await``: one view of
time.

Of a processor's own exceptions only those that it calls fatal come through as they are; any other one is
blamed on a record.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiokafka.structs import TopicPartition

from processors.engine import frame
from processors.engine.effects import DueEntry, Effects, StateWrite, Taken
from processors.engine.errors import Unexpected
from processors.engine.inbox import Chunk
from processors.engine.processor import Output, Processor, Rejected, Unfit
from processors.engine.records import Record
from processors.engine.settings import Limits
from processors.engine.stores import RESERVED, Place, Readable
from processors.engine.trouble import Troubles, failure_of, failure_of_expiry
from processors.engine.view import AtKey, TooLarge, View
from processors.engine.watch import ProcessorFailed, Watch
from processors.kafka.placement import partition_for

#: Records that are parsed, then loaded, applied and dumped together.
_STRIDE = 64


class Computer:
    """Turns chunks of records and passed due times into :class:`Effects`."""

    def __init__(
        self, partitions: int, processors: Sequence[Processor[Any, Any]], limits: Limits | None = None
    ) -> None:
        self._partitions = partitions
        self._limits = limits or Limits()
        self._by_topic = {topic: job for job in processors for topic in job.topics}
        self._by_table = {job.table: job for job in processors}
        self._table_of = {topic: job.table for topic, job in self._by_topic.items()}
        allowed = set(self._by_topic)
        for job in processors:
            allowed |= job.outputs
        self._allowed = frozenset(allowed)

    def compute(
        self,
        chunks: Sequence[Chunk],
        due: Sequence[DueEntry],
        stores: Mapping[Place, Readable],
        now_ms: int,
        watermark_ms: int,
        troubles: Troubles | None = None,
    ) -> Effects:
        """Records first, in order of arrival, then the expiries: a state that moved on is spared.

        Nothing has happened when it raises: :class:`.watch.ProcessorFailed` when a processor did,
        :class:`.rejections.TooManyRejected`, or an ``EngineError``.
        """
        watch = Watch(self._limits, troubles or Troubles(), now_ms)
        effects = Effects(now_ms)
        batch = _Batch(self._partitions, self._limits, watch, effects)
        views: dict[Place, View] = {}

        def view_of(job: Processor[Any, Any], partition: int) -> View:
            place = job.table, partition
            view = views.get(place)
            if view is None:
                if place not in stores:
                    raise Unexpected(f"no store for {place}: co-partitioning is broken")
                read, largest = stores[place].get_many, self._limits.state_bytes
                view = views[place] = View(job, partition, read, now_ms, largest)
            return view

        # What meets in one table goes together, whatever topic it came by: strides are full, reads are few.
        arrived: defaultdict[Place, list[Record]] = defaultdict(list)
        for chunk in chunks:
            effects.offsets[chunk.tp] = chunk.next_offset
            if records := chunk.records:
                times = records[0].timestamp, records[-1].timestamp
                effects.taken.append(Taken(chunk.tp, len(records), *times, records[0].value))
                arrived[self._table_of[chunk.tp.topic], chunk.tp.partition] += records
        for (table, partition), records in arrived.items():
            batch.apply(view_of(self._by_table[table], partition), records)
        for entry in due:
            if not batch.expire(view_of(self._by_table[entry.table], entry.partition), entry, watermark_ms):
                break
        watch.count(chunks)
        effects.troubles, effects.quarantined = watch.changed, watch.quarantined
        self._collect(views, effects)
        return effects

    def _collect(self, views: Mapping[Place, View], effects: Effects) -> None:
        foreign = {topic for topic, _ in effects.outputs} - self._allowed
        if foreign:
            raise Unexpected(f"output to undeclared topics {sorted(foreign)}")
        for place, view in views.items():
            if view.made or view.spent:
                effects.states[place] = StateWrite(view.made, view.spent)


class _Batch:
    """One attempt at a batch: fills the effects. What a processor raises is blamed on a record."""

    def __init__(self, partitions: int, limits: Limits, watch: Watch, effects: Effects) -> None:
        self._partitions = partitions
        self._limits = limits
        self._watch = watch
        self._effects = effects

    def apply(self, view: View, records: Sequence[Record]) -> None:
        """Records of one table and partition, in order."""
        if self._watch.any_failures:
            records = self._without_quarantined(view, records)
        for start in range(0, len(records), _STRIDE):
            self._stride(view, records[start : start + _STRIDE])

    def _stride(self, view: View, records: Sequence[Record]) -> None:
        """Its objects are released before the next one, which finds their memory still in the CPU's cache."""
        placed = self._parse(view, records)
        try:
            self._apply(view, placed)
        except AtKey as at:
            raise self._failed(self._guilty(view, placed, at.key), at.cause) from at.cause

    def _without_quarantined(self, view: View, records: Sequence[Record]) -> list[Record]:
        passed: list[Record] = []
        for record in records:
            tp = _source_of(record)
            if all(failure.offset != record.offset for failure in self._watch[tp].failures):
                passed.append(record)
                continue
            known = self._watch.pass_over(tp, failure_of(record))
            if known is None:
                passed.append(record)
            else:
                self._reject(view, record, view.job.refuse(record, Unfit.FAILED, known.cause))
        return passed

    def _apply(self, view: View, placed: Sequence[tuple[bytes, Any, Record]]) -> None:
        """One stride. Everything per record that is not the processor's own work is here and in _parse."""
        if not placed:
            return
        view.load(list(dict.fromkeys([key for key, _, _ in placed])))
        apply, states, emit = view.job.apply, view.states, self._emit
        now_ms, partition = self._effects.now_ms, view.partition
        changed: dict[bytes, None] = {}
        record = placed[0][2]
        try:
            for key, fact, record in placed:  # noqa: B007 - who is to blame
                state = states[key]
                new, outputs = apply(key, state, fact, now_ms)
                if new is not state:
                    states[key] = new
                    changed[key] = None
                if outputs:
                    emit(outputs, key, partition)
        except view.fatal:
            raise
        except Exception as exc:
            raise self._failed(record, exc) from exc
        view.dump(changed)

    def _guilty(self, view: View, placed: Sequence[tuple[bytes, Any, Record]], key: bytes) -> Record:
        """Which of the records of a key led to what the processor cannot load or dump.

        They are applied once more, now one at a time; what comes of it goes the way of the batch.
        """
        own = [(fact, record) for of, fact, record in placed if of == key]
        _, guilty = own[0]
        try:
            view.load([key])
            for fact, guilty in own:  # noqa: B007
                view.states[key], _ = view.job.apply(key, view.states[key], fact, self._effects.now_ms)
                view.dump([key])
        except Exception:
            return guilty
        return own[-1][1]

    def _parse(self, view: View, records: Sequence[Record]) -> list[tuple[bytes, Any, Record]]:
        """Those that are in place, with keys and facts; the others go elsewhere."""
        parse, partition, partitions = view.job.parse, view.partition, self._partitions
        now_ms = self._effects.now_ms
        placed: list[tuple[bytes, Any, Record]] = []
        for record in records:
            try:
                topic, key, fact = parse(record, now_ms)
            except Rejected as rejected:
                self._reject(view, record, rejected)
                continue
            except view.fatal:
                raise
            except Exception as exc:
                raise self._failed(record, exc) from exc
            if key != record.key or topic != record.topic or partition_for(key, partitions) != partition:
                self._forward(view, record, topic, key)
            elif not key or key[:1] == RESERVED:
                what = f"{record.topic}, partition {record.partition}, offset {record.offset}"
                raise Unexpected(f"{what}: its key of table {view.job.table!r} is empty or reserved")
            else:
                placed.append((key, fact, record))
        return placed

    def _reject(self, view: View, record: Record, rejected: Rejected) -> None:
        self._effects.rejected[record.topic] += 1
        self._watch.reject(record, rejected)
        self._emit(rejected.outputs, record.key, view.partition)

    def _forward(self, view: View, record: Record, topic: str, key: bytes) -> None:
        headers, most = tuple(record.headers), self._limits.forward_bytes
        size = len(key) + len(record.value or b"")
        size += sum(len(name) + len(value or b"") for name, value in headers)
        if size > most:
            detail = (
                f"it belongs elsewhere; with its headers it has {size} bytes, at most {most} can be sent on"
            )
            self._reject(view, record, view.job.refuse(record, Unfit.TOO_LARGE, detail))
            return
        self._effects.forwarded[record.topic] += 1
        sent_on = Output(topic, key, record.value, headers, record.timestamp)
        self._effects.outputs[topic, partition_for(key, self._partitions)].append(sent_on)

    def expire(self, view: View, entry: DueEntry, watermark_ms: int) -> bool:
        """A due time has passed. False: the state was passed over, and the batch ends; others come again."""
        view.spent.append(entry.entry)
        tp = TopicPartition(min(view.job.topics), view.partition)  # some source of the table, always the same
        failure = failure_of_expiry(entry.key, entry.due_ms) if self._watch[tp].failures else None
        if failure and self._watch.pass_over(tp, failure):
            return False  # the state stays, and so do the events that it holds
        stored = view.stored(entry.key)
        # Not job.due(): the processor may see it otherwise by now, and would never be asked again.
        if stored is not None and frame.due_ms(stored) == entry.due_ms:  # else of an earlier state of the key
            self._expire(view, tp, entry, stored, watermark_ms)
        if failure:
            self._watch.passed(tp, failure)
        return True

    def _expire(
        self, view: View, tp: TopicPartition, entry: DueEntry, stored: bytes, watermark_ms: int
    ) -> None:
        job, key = view.job, entry.key
        try:
            new, outputs = job.expire(key, job.load(frame.body(stored)), watermark_ms)
            self._effects.expired += 1
            due_ms = None if new is None else job.due(new)
            if due_ms is not None and due_ms <= entry.due_ms:
                raise Unexpected(f"expire() of table {job.table!r} left a state due at {entry.due_ms}")
            view.states[key] = new
            view.dump([key])
            self._emit(outputs, key, view.partition)
        except view.fatal:
            raise
        except Exception as exc:
            cause = exc.cause if isinstance(exc, AtKey) else exc
            raise self._watch.failed(tp, failure_of_expiry(key, entry.due_ms, cause)) from cause

    def _emit(self, outputs: Iterable[Output], key: bytes | None, partition: int) -> None:
        """Outputs of an event of this key and partition. Raises :class:`.view.TooLarge`."""
        made, largest = self._effects.outputs, self._limits.output_bytes
        for output in outputs:
            out_key, value = output.key, output.value
            if value is not None and len(value) > largest:
                raise TooLarge(f"a record of {len(value)} bytes for {output.topic}, at most {largest}")
            if out_key is None or out_key == key:
                made[output.topic, partition].append(output)
            else:
                made[output.topic, partition_for(out_key, self._partitions)].append(output)

    def _failed(self, record: Record, cause: Exception) -> ProcessorFailed:
        return self._watch.failed(_source_of(record), failure_of(record, cause))


def _source_of(record: Record) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)
