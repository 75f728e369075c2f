"""Events on disk: first by click, where lead events meet the clicks that they name, then by customer."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder

from processors.audit.model.arrivals import NO_CROWD, Arrived, Crowd, TopicRecord, read
from processors.audit.model.outcome import CustomerKey
from processors.audit.spill import Buckets
from schemas.decoding import Refused
from schemas.events import Click, LeadEvent
from schemas.reasons import DeadLetterReason
from schemas.topics import Topic, click_key, customer_key, split_key

_MOST_OTHERS: Final = 1_000


class Filed(Struct, frozen=True, array_like=True, gc=False):
    """A record that holds an event, as it came.

    ``click``, ``customer``: keys, empty where the event has none. ``unsettled``: the workers may or may not
    have used it by the time the results were read. ``crowd``: of its click. ``behind``: the sink has not come
    to it; one without a value says so of its click.
    """

    topic: str
    value: bytes
    timestamp_ms: int
    click: bytes
    customer: bytes
    unsettled: bool
    crowd: Crowd = NO_CROWD
    behind: bool = False


class Facts(NamedTuple):
    """What is known of the customers of one bucket. ``unsettled``: of these something may be on its way."""

    events: list[Arrived]
    unsettled: set[CustomerKey]


_encode: Final = Encoder().encode
_decode: Final = Decoder(Filed).decode


class Inputs:
    """Everything that arrived, by customer: :meth:`add` all, :meth:`join` each bucket, then :meth:`take` it.

    ``now_ms``: the clock of the audit. ``workspace``: leave out all ``others``, of which some are remembered.
    """

    def __init__(self, directory: Path, buckets: int, now_ms: int, workspace: str | None = None) -> None:
        self.events = 0
        self.refused = 0
        self.others: set[str] = set()
        self._now_ms = now_ms
        self._workspace = workspace
        self._by_click = Buckets(directory / "clicks", buckets)
        self._by_customer = Buckets(directory / "customers", buckets)

    def add(
        self,
        topic: Topic,
        value: bytes | None,
        timestamp_ms: int,
        *,
        settled: bool = True,
        behind: bool = False,
    ) -> None:
        """A record of an input topic. ``behind``: one that the sink reads, and has not come to."""
        record = TopicRecord(topic, value, timestamp_ms)
        try:
            event = read(record).event
        except Refused as refused:
            self.refused += 1
            if refused.reason is not DeadLetterReason.TIMESTAMP_OUT_OF_RANGE:
                return
            # Out of range when it was written; a worker that read it much later has used it.
            try:
                event = read(record, self._now_ms).event
            except Refused:
                return
            settled = False
        if self._workspace not in (None, event.workspace_id):
            if len(self.others) < _MOST_OTHERS:
                self.others.add(event.workspace_id)
            return
        self.events += 1
        click = customer = b""
        if isinstance(event, Click | LeadEvent) and event.click_id:
            click = click_key(event.workspace_id, event.click_id)
        if not isinstance(event, Click):
            customer = customer_key(event.workspace_id, event.customer)
        filed = _encode(Filed(topic, value or b"", timestamp_ms, click, customer, not settled, behind=behind))
        if click:
            self._by_click.add(click, filed)
        else:
            self._by_customer.add(customer, filed)

    def mark_unsettled(self, workspace_id: str, customer: str) -> None:
        """Something about this customer has been joined and not yet been used."""
        if self._workspace in (None, workspace_id):
            key = customer_key(workspace_id, customer)
            self._by_customer.add(key, _encode(Filed(Topic.TOUCHES, b"", 0, b"", key, True)))

    def mark_behind(self, workspace_id: str, click_id: str) -> None:
        """The workers have reported an event of this click, and the sink has not come to that."""
        if self._workspace in (None, workspace_id):
            key = click_key(workspace_id, click_id)
            self._by_click.add(key, _encode(Filed(Topic.UNMATCHED, b"", 0, key, b"", False, behind=True)))

    def join(self, bucket: int) -> Mapping[bytes, Sequence[Filed]]:
        """Send the lead events of a bucket to their customers, each with the clicks that it may mean.

        A click that nobody names goes nowhere: most do. All that was filed of clicks, by key.
        """
        clicks: defaultdict[bytes, list[Filed]] = defaultdict(list)
        named: defaultdict[bytes, list[Filed]] = defaultdict(list)
        for raw in self._by_click.take(bucket):
            filed = _decode(raw)
            (named if filed.customer else clicks)[filed.click].append(filed)
        for key, lead_events in named.items():
            # All of them: one that came to a wrong place counts when it has been sent on.
            meant = [click for click in clicks.get(key, ()) if click.value]
            unsettled = any(click.unsettled for click in meant)
            meant = distinct(meant)
            crowd = Crowd(len(lead_events), sum(len(filed.value) for filed in lead_events))
            for filed in lead_events:
                marked = filed.unsettled or unsettled
                moved = Filed(
                    filed.topic, filed.value, filed.timestamp_ms, key, filed.customer, marked, crowd
                )
                self._by_customer.add(filed.customer, _encode(moved))
            # Once in each bucket: the bounds ask how much there is of a click.
            places = {self._by_customer.number_of(one.customer): one.customer for one in lead_events}
            for click in meant:
                raw = _encode(click)
                for customer in places.values():
                    self._by_customer.add(customer, raw)
        return clicks

    def take(self, bucket: int) -> Facts:
        """Everything about the customers of a bucket; then it is gone."""
        filed = [_decode(raw) for raw in self._by_customer.take(bucket)]
        unsettled = {split_key(one.customer) for one in filed if one.unsettled and one.customer}
        return Facts([self.arrived(one) for one in filed if one.value], unsettled)

    def arrived(self, filed: Filed) -> Arrived:
        """The event in it, by the clock by which it was taken."""
        record = TopicRecord(filed.topic, filed.value, filed.timestamp_ms)
        return replace(read(record, self._now_ms if filed.unsettled else None), crowd=filed.crowd)


def distinct(clicks: Iterable[Filed]) -> list[Filed]:
    """Without repetitions: of equal records the first and the last, between which lies every other time."""
    spans: dict[bytes, tuple[Filed, Filed]] = {}
    for click in clicks:
        first, last = spans.get(click.value, (click, click))
        if click.timestamp_ms < first.timestamp_ms:
            first = click
        if click.timestamp_ms > last.timestamp_ms:
            last = click
        spans[click.value] = first, last
    return [click for first, last in spans.values() for click in dict.fromkeys((first, last))]
