"""The two joins in memory: encoded states, what travels between them, a clock and expiry.

Every step goes through ``dump`` and ``load``, and all that travels through JSON, as they do in the worker.
The network also holds the joins to their conventions (see :class:`Broken`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from msgspec.json import Decoder, encode
from msgspec.structs import replace

from processors.attribution import click_join, customer_join
from processors.attribution.click_join import ClickFact, ClickState
from processors.attribution.customer_join import CustomerFact, CustomerState, Forgotten
from processors.attribution.facts import Fact, GivenUpFact, TouchFact
from processors.attribution.policy import Policy
from processors.audit.model.arrivals import TopicRecord, read
from processors.audit.model.outcome import CustomerKey, Outcome, key_of, reported, uncounted
from schemas.decoding import decode_accepted_lead_event, decode_click_as_sent
from schemas.events import Click, Erasure, LeadEvent, Purchase
from schemas.news import ClickMoved, GivenUp, Joined, Waits, read_news, write_news
from schemas.results import ClickErasure, Customer, Lead, Sale, Unmatched
from schemas.times import DAY_MS
from schemas.topics import Topic, click_key, customer_key, split_key

Output = Lead | Sale | Customer | Forgotten | Unmatched
State = TypeVar("State", ClickState, CustomerState)
Revised = TypeVar("Revised", Lead, Sale)

_click_erasure = Decoder(ClickErasure).decode


class Broken(AssertionError):
    """A join broke a convention: an equal state that is not the same object, a revision out of turn."""


@dataclass(frozen=True)
class Record:
    """A Kafka record, as far as the core asks. ``value`` is an event of the topic."""

    topic: str
    value: bytes
    timestamp: int
    offset: int = 0
    partition: int = 0


@dataclass
class Published:
    """What a read_committed reader knows after reading every output."""

    leads: dict[str, Lead] = field(default_factory=dict)
    sales: dict[str, Sale] = field(default_factory=dict)
    customers: dict[CustomerKey, Customer] = field(default_factory=dict)
    unmatched: list[Unmatched] = field(default_factory=list)
    forgotten: set[CustomerKey] = field(default_factory=set)
    repeated: list[Lead | Sale | Customer] = field(default_factory=list)

    def read(self, output: Output) -> None:
        """One more record. Those that say nothing new are kept in ``repeated``."""
        if isinstance(output, Unmatched):
            self.unmatched.append(output)
        elif isinstance(output, Forgotten):
            self._forget((output.workspace_id, output.customer_external_id))
        elif isinstance(output, Customer):
            if self.customers.get(key_of(output)) == output:
                self.repeated.append(output)
            self.customers[key_of(output)] = output
        elif isinstance(output, Lead):
            self._revise(self.leads, output.lead_id, output)
        else:
            self._revise(self.sales, output.sale_id, output)

    def _revise(self, known: dict[str, Revised], key: str, output: Revised) -> None:
        before = known.get(key)
        expected = 1 if before is None else before.revision + 1
        if output.revision != expected:
            raise Broken(f"{key}: revision {output.revision}, expected {expected}")
        if before is not None and replace(before, revision=output.revision) == output:
            self.repeated.append(output)
        known[key] = output

    def _forget(self, key: CustomerKey) -> None:
        self.forgotten.add(key)
        self.customers.pop(key, None)
        self.leads = {one: lead for one, lead in self.leads.items() if key_of(lead) != key}
        self.sales = {one: sale for one, sale in self.sales.items() if key_of(sale) != key}

    def outcome(self) -> Outcome:
        """In the model's terms."""
        return Outcome(
            uncounted(self.leads),
            uncounted(self.sales),
            self.customers,
            {reported(one) for one in self.unmatched},
            forgotten=self.forgotten,
        )


class Network:
    """Click join → touches → customer join → erasures → click join.

    With ``touches_wait`` these travel only when :meth:`deliver` says so; without, at once.
    """

    def __init__(self, policy: Policy, now_ms: int, *, touches_wait: bool = False) -> None:
        self.policy = policy
        self.now_ms = now_ms
        self.clicks: dict[bytes, bytes] = {}
        self.customers: dict[bytes, bytes] = {}
        #: News, or click erasures, as they are written.
        self.travelling: list[tuple[Topic, bytes]] = []
        self._touches_wait = touches_wait
        self.published = Published()

    def states(self) -> dict[bytes, bytes]:
        """Everything that is stored, by table and key."""
        tables = ((b"click ", self.clicks), (b"customer ", self.customers))
        return {table + key: raw for table, states in tables for key, raw in states.items()}

    def run(self, records: Iterable[Record]) -> list[Output]:
        """Send records one after the other, at the present time."""
        return [output for record in records for output in self.send(record)]

    def send(self, record: Record) -> list[Output]:
        """A record arrives now; what is emitted for it, in order."""
        arrived = read(TopicRecord(record.topic, record.value, record.timestamp), self.now_ms)
        event, at_ms = arrived.event, arrived.at_ms
        if isinstance(event, Click):
            event, _ = decode_click_as_sent(record.value, record.timestamp, self.now_ms)
            return self._apply_click(event.topic_key(), Fact(event, at_ms, record))
        if isinstance(event, LeadEvent):
            fact = Fact(event, at_ms, record)
            if event.click_id:
                return self._apply_click(event.topic_key(), fact)
            return self._apply_customer(event.topic_key(), fact)
        if isinstance(event, Purchase):
            return self._apply_customer(event.topic_key(), Fact(event, at_ms, record))
        assert isinstance(event, Erasure)
        return self._apply_customer(event.topic_key(), Fact(event, at_ms, record))

    def deliver(self, position: int) -> list[Output]:
        """One of those under way arrives."""
        topic, raw = self.travelling.pop(position % len(self.travelling))
        if topic is Topic.CLICK_ERASURES:
            erasure = _click_erasure(raw)
            return self._apply_click(click_key(erasure.workspace_id, erasure.click_id), erasure)
        news = read_news(raw)
        fact: CustomerFact
        match news:
            case Joined() | GivenUp():
                clock_ms = self.now_ms + DAY_MS
                event, at_ms = decode_accepted_lead_event(bytes(news.event), news.source.timestamp, clock_ms)
                fact = (
                    TouchFact(news, event, at_ms)
                    if isinstance(news, Joined)
                    else GivenUpFact(news, event, at_ms)
                )
            case ClickMoved() | Waits():
                fact = news
        return self._apply_customer(customer_key(news.workspace_id, news.customer_external_id), fact)

    def deliver_all(self) -> list[Output]:
        """All that is under way arrives."""
        outputs = []
        while self.travelling:
            outputs += self.deliver(0)
        return outputs

    def advance(self, now_ms: int) -> list[Output]:
        """The clock moves on, and what is due is given up."""
        self.now_ms = now_ms
        outputs: list[Output] = []
        for key, raw in list(self.clicks.items()):
            clicks = click_join.load(raw)
            if _is_due(click_join.due_ms(clicks, self.policy), now_ms):
                emitted = self._store_click(key, clicks, click_join.expire(clicks, now_ms, self.policy))
                outputs += self._publish(emitted)
        for key, raw in list(self.customers.items()):
            customer = customer_join.load(raw)
            if _is_due(customer_join.due_ms(customer, self.policy), now_ms):
                left, given_up = customer_join.expire(customer, now_ms, self.policy)
                _store(self.customers, key, None if left is None else customer_join.dump(left))
                outputs += self._publish(given_up)
        if any(_is_due(due_ms, now_ms) for due_ms in self.due()):
            raise Broken("what was due is still due after it expired")
        return outputs

    def due(self) -> list[int]:
        """When something is to be given up, for every key where something waits."""
        clicks = (click_join.due_ms(click_join.load(raw), self.policy) for raw in self.clicks.values())
        customers = (
            customer_join.due_ms(customer_join.load(raw), self.policy) for raw in self.customers.values()
        )
        return [due_ms for due_ms in (*clicks, *customers) if due_ms is not None]

    def drain(self) -> list[Output]:
        """What is under way arrives, holds pass, until nothing waits."""
        outputs = self.deliver_all()
        outputs += self.advance(self.now_ms + self.policy.hold_ms)
        return outputs + self.deliver_all()

    def _apply_click(self, key: bytes, fact: ClickFact) -> list[Output]:
        state = click_join.load(self.clicks[key]) if key in self.clicks else None
        step = click_join.apply(state, fact, self.now_ms, self.policy)
        return self._publish(self._store_click(key, state, step))

    def _store_click(
        self, key: bytes, before: ClickState | None, step: click_join.Step
    ) -> Sequence[click_join.Output]:
        after, outputs = step
        _check_identity(before, after)
        _store(self.clicks, key, None if after is None else click_join.dump(after))
        return outputs

    def _apply_customer(self, key: bytes, fact: CustomerFact) -> list[Output]:
        state = customer_join.load(self.customers[key]) if key in self.customers else None
        after, outputs = customer_join.apply(*split_key(key), state, fact, self.now_ms, self.policy)
        _check_identity(state, after)
        _store(self.customers, key, None if after is None else customer_join.dump(after))
        return self._publish(outputs)

    def _publish(self, outputs: Sequence[customer_join.Output | click_join.Output]) -> list[Output]:
        published: list[Output] = []
        for output in outputs:
            if isinstance(output, ClickErasure):
                self.travelling.append((Topic.CLICK_ERASURES, encode(output)))
            elif isinstance(output, Joined | ClickMoved | Waits | GivenUp):
                self.travelling.append((Topic.TOUCHES, write_news(output)))
            else:
                self.published.read(output)
                published.append(output)
        return published if self._touches_wait else published + self.deliver_all()


def _is_due(due_ms: int | None, now_ms: int) -> bool:
    return due_ms is not None and due_ms <= now_ms


def _store(table: dict[bytes, bytes], key: bytes, raw: bytes | None) -> None:
    if raw is None:
        table.pop(key, None)
    else:
        table[key] = raw


def _check_identity(before: State | None, after: State | None) -> None:
    """An unchanged state is the same object: by that the engine knows that there is nothing to write."""
    if after is not before and after == before:
        raise Broken("the state is equal and yet another object")
