"""The two joins as processors of the engine: records in, records out."""

from collections.abc import Callable, Mapping, Sequence

from processors.attribution import click_join, customer_join
from processors.attribution.click_join import ClickFact, ClickState
from processors.attribution.customer_join import CustomerFact, CustomerState
from processors.attribution.facts import Fact, GivenUpFact, NewerState, NewsFact, TouchFact
from processors.attribution.policy import Policy
from processors.engine import Output, Record, Rejected, Unfit
from processors.worker.dead_letters import UNFIT, rejected
from processors.worker.publishing import Publisher
from processors.worker.touches import read_click_erasure, read_told
from schemas.decoding import (
    Refused,
    decode_click_as_sent,
    decode_erasure,
    decode_lead_event,
    decode_purchase,
)
from schemas.events import LeadEvent
from schemas.times import DAY_MS
from schemas.topics import Topic, click_key, customer_key, split_key

CLICKS_TABLE = "clicks"
CUSTOMERS_TABLE = "customers"


class _Joining:
    """What both processors share: names, policy, and what happens to a record that cannot be used."""

    fatal: tuple[type[Exception], ...] = (NewerState,)

    def __init__(self, names: Mapping[Topic, str], policy: Policy) -> None:
        self._names = names
        self._policy = policy
        self._publish = Publisher(names).records
        self._dead_letters = names[Topic.DEAD_LETTERS]

    def _full(self, *topics: Topic) -> frozenset[str]:
        return frozenset(self._names[topic] for topic in topics)

    def refuse(self, record: Record, unfit: Unfit, detail: str) -> Rejected:
        """A dead letter."""
        return self._reject(record, Refused(UNFIT[unfit], detail))

    def _reject(self, record: Record, refused: Refused) -> Rejected:
        return rejected(self._dead_letters, record, refused)

    def _lead_event(self, record: Record, now_ms: int) -> tuple[str, bytes, Fact[LeadEvent]]:
        """A lead event belongs by its click when it names one, else by its customer."""
        event, at_ms, text = decode_lead_event.read(record.value, record.timestamp, now_ms)
        topic = Topic.DEFERRED_LEADS if event.click_id else Topic.QUALIFICATIONS
        return self._names[topic], event.topic_key(), Fact(event, at_ms, _with(text, record))


class ClickProcessor(_Joining):
    """Clicks, the lead events that name one, and whom a click is to forget → touches."""

    table = CLICKS_TABLE

    def __init__(self, names: Mapping[Topic, str], policy: Policy) -> None:
        super().__init__(names, policy)
        self.topics = self._full(Topic.CLICKS, Topic.DEFERRED_LEADS, Topic.CLICK_ERASURES)
        self.inner = self._full(Topic.CLICK_ERASURES)
        self.outputs = self._full(Topic.TOUCHES, Topic.UNMATCHED, Topic.DEAD_LETTERS)
        self.retention_ms: int | None = click_retention_ms(policy)
        self._clicks, self._erasures = names[Topic.CLICKS], names[Topic.CLICK_ERASURES]

    def parse(self, record: Record, now_ms: int) -> tuple[str, bytes, ClickFact]:
        """Raises :class:`Rejected` with a dead letter."""
        try:
            if record.topic == self._clicks:  # nearly all
                click, at_ms, _ = decode_click_as_sent.read(record.value, record.timestamp, now_ms)
                key = click_key(click.workspace_id, click.click_id)
                parsed: tuple[str, bytes, ClickFact] = self._clicks, key, Fact(click, at_ms, record)
            elif record.topic == self._erasures:
                erasure = read_click_erasure(record.value or b"")
                parsed = self._erasures, click_key(erasure.workspace_id, erasure.click_id), erasure
            else:
                parsed = self._lead_event(record, now_ms)
        except Refused as refused:
            raise self._reject(record, refused) from None
        return parsed

    load = staticmethod(click_join.load)
    dump = staticmethod(click_join.dump)

    def due(self, state: ClickState) -> int | None:
        return click_join.due_ms(state, self._policy)

    def apply(
        self,
        key: bytes,  # noqa: ARG002 - the event says it too
        state: ClickState | None,
        fact: ClickFact,
        now_ms: int,
    ) -> tuple[ClickState | None, Sequence[Output]]:
        after, results = click_join.apply(state, fact, now_ms, self._policy)
        return after, self._publish(results) if results else ()

    def expire(
        self,
        key: bytes,  # noqa: ARG002 - the state says it too
        state: ClickState,
        now_ms: int,
    ) -> tuple[ClickState | None, Sequence[Output]]:
        after, results = click_join.expire(state, now_ms, self._policy)
        return after, self._publish(results)


class CustomerProcessor(_Joining):
    """Touches, qualifications, purchases and erasures → leads, sales and customers."""

    table = CUSTOMERS_TABLE
    retention_ms: int | None = None

    def __init__(self, names: Mapping[Topic, str], policy: Policy) -> None:
        super().__init__(names, policy)
        self.inner = self._full(Topic.TOUCHES)
        self.outputs = self._full(
            Topic.LEADS,
            Topic.SALES,
            Topic.CUSTOMERS,
            Topic.UNMATCHED,
            Topic.DEAD_LETTERS,
            Topic.CLICK_ERASURES,
        )
        self._parsers: dict[str, Callable[[Record, int], tuple[str, bytes, CustomerFact]]] = {
            names[Topic.TOUCHES]: self._touch,
            names[Topic.QUALIFICATIONS]: self._lead_event,
            names[Topic.PURCHASES]: self._purchase,
            names[Topic.ERASURES]: self._erasure,
        }
        self.topics = frozenset(self._parsers)

    def parse(self, record: Record, now_ms: int) -> tuple[str, bytes, CustomerFact]:
        """Raises :class:`Rejected` with a dead letter."""
        try:
            parsed = self._parsers[record.topic](record, now_ms)
        except Refused as refused:
            raise self._reject(record, refused) from None
        return parsed

    load = staticmethod(customer_join.load)
    dump = staticmethod(customer_join.dump)

    def due(self, state: CustomerState) -> int | None:
        return customer_join.due_ms(state, self._policy)

    def apply(
        self, key: bytes, state: CustomerState | None, fact: CustomerFact, now_ms: int
    ) -> tuple[CustomerState | None, Sequence[Output]]:
        workspace_id, customer = split_key(key)
        after, results = customer_join.apply(workspace_id, customer, state, fact, now_ms, self._policy)
        return after, self._publish(results) if results else ()

    def expire(
        self,
        key: bytes,  # noqa: ARG002 - the state says it too
        state: CustomerState,
        now_ms: int,
    ) -> tuple[CustomerState | None, Sequence[Output]]:
        after, results = customer_join.expire(state, now_ms, self._policy)
        return after, self._publish(results)

    def _touch(self, record: Record, now_ms: int) -> tuple[str, bytes, NewsFact]:
        fact = read_told(record.value or b"", record.timestamp, now_ms)
        news = fact.news if isinstance(fact, (TouchFact, GivenUpFact)) else fact
        return record.topic, customer_key(news.workspace_id, news.customer_external_id), fact

    def _purchase(self, record: Record, now_ms: int) -> tuple[str, bytes, CustomerFact]:
        event, at_ms, text = decode_purchase.read(record.value, record.timestamp, now_ms)
        return record.topic, event.topic_key(), Fact(event, at_ms, _with(text, record))

    def _erasure(self, record: Record, now_ms: int) -> tuple[str, bytes, CustomerFact]:
        event, at_ms = decode_erasure(record.value, record.timestamp, now_ms)
        return record.topic, event.topic_key(), Fact(event, at_ms, record)


def _with(text: bytes, record: Record) -> Record:
    """The record of an event that goes on as ``text``."""
    if text is record.value:
        return record
    return Record(
        record.topic, record.partition, record.offset, record.timestamp, record.key, text, record.headers
    )


def click_retention_ms(policy: Policy) -> int:
    """How long a click is remembered from its arrival, by the watermark.

    Longer than a lead event that arrives by its hold may name it, with a day to spare: for clocks, and for
    events that are late. One that arrives later still finds no click.
    """
    return policy.attribution_window_ms + 2 * policy.hold_ms + DAY_MS
