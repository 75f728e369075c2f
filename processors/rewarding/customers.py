"""The ledger of rewards as a processor of the engine: leads, sales, erasures, events and shares of caps in,
rewards and claims out.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from processors.engine import Output, Record, Rejected, Unfit
from processors.engine.stores import RESERVED
from processors.kafka.placement import partition_for
from processors.rewarding.following import StalePolicies
from processors.rewarding.publishing import Publisher
from processors.rewards.facts import Change, Forgotten, RewardFact, granted_by
from processors.rewards.ledger import Ledger
from processors.rewards.policy import Policies
from processors.rewards.reading import Read, read_lead, read_sale
from processors.rewards.settling import Who
from processors.rewards.state import NewerState, State, dump, load
from processors.worker.dead_letters import UNFIT, rejected
from schemas.decoding import Refused, decoded
from schemas.reasons import DeadLetterReason
from schemas.reward_caps import decode_share
from schemas.reward_decoding import decode_reward_event
from schemas.topics import REWARD_OUTPUTS, Topic, customer_key, split_key

TABLE: Final = "rewards"
Parsed = tuple[str, bytes, RewardFact | None]


class RewardsProcessor:
    """A fact that is None changes nothing: of ``customers``, only that one is erased matters here.

    ``policies``: those of now; it may raise :class:`StalePolicies`.
    """

    table = TABLE
    retention_ms: int | None = None
    fatal: tuple[type[Exception], ...] = (NewerState, StalePolicies)

    def __init__(
        self,
        names: Mapping[Topic, str],
        hold_ms: int,
        policies: Callable[[], Policies],
        partitions: int,
    ) -> None:
        self._names = names
        self._policies = policies
        self._partitions = partitions
        self._ledger = Ledger({}, hold_ms)
        self._publish = Publisher(names).records
        self._dead_letters = names[Topic.DEAD_LETTERS]
        self._parsers: dict[str, Callable[[Record], Parsed]] = {
            names[Topic.LEADS]: lambda record: self._result(record, read_lead),
            names[Topic.SALES]: lambda record: self._result(record, read_sale),
            names[Topic.CUSTOMERS]: self._customer,
            names[Topic.REWARD_SHARES]: self._share,
        }
        self._events = names[Topic.REWARD_EVENTS]
        self.topics = frozenset({*self._parsers, self._events})
        self.inner = frozenset({names[Topic.REWARD_SHARES]})
        self.outputs = frozenset(
            names[topic] for topic in (*REWARD_OUTPUTS, Topic.REWARD_CLAIMS, Topic.DEAD_LETTERS)
        )

    def refuse(self, record: Record, unfit: Unfit, detail: str) -> Rejected:
        """A dead letter."""
        return rejected(self._dead_letters, record, Refused(UNFIT[unfit], detail))

    def parse(self, record: Record, now_ms: int) -> Parsed:
        """Raises :class:`Rejected` with a dead letter."""
        try:
            if record.topic == self._events:
                return self._event(record, now_ms)
            return self._parsers[record.topic](record)
        except Refused as refused:
            raise rejected(self._dead_letters, record, refused) from None

    load = staticmethod(load)
    dump = staticmethod(dump)

    def due(self, state: State) -> int | None:
        return self._ledger.due_ms(state)

    def apply(
        self, key: bytes, state: State | None, fact: RewardFact | None, now_ms: int
    ) -> tuple[State | None, Sequence[Output]]:
        if fact is None:
            return state, ()
        who = Who(*split_key(key))
        after, said = self._current().apply(who, state, fact, now_ms)
        return after, self._publish(key, said) if said else ()

    def expire(self, key: bytes, state: State, now_ms: int) -> tuple[State | None, Sequence[Output]]:
        after, said = self._current().expire(Who(*split_key(key)), state, now_ms)
        return after, self._publish(key, said)

    def _current(self) -> Ledger:
        policies = self._policies()
        if policies is not self._ledger.policies:
            self._ledger = self._ledger.with_policies(policies)
        return self._ledger

    def _result(self, record: Record, read: Callable[[bytes | None], Read]) -> Parsed:
        found = read(record.value)
        key = customer_key(found.workspace_id, found.customer)
        if key != record.key:
            raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "its key is not that of its customer")
        self._check_partition(record, key)
        return record.topic, key, found.fact

    def _customer(self, record: Record) -> Parsed:
        key = record.key or b""
        if not _names_a_customer(key):
            raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "its key names no customer")
        self._check_partition(record, key)
        return record.topic, key, None if record.value is not None else Forgotten()

    def _check_partition(self, record: Record, key: bytes) -> None:
        """Else it would be sent on within a topic that is the workers', and be there twice."""
        if partition_for(key, self._partitions) != record.partition:
            raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "its partition is not that of its key")

    def _share(self, record: Record) -> Parsed:
        share = decoded(decode_share, record.value or b"")
        return record.topic, share.topic_key(), granted_by(share)

    def _event(self, record: Record, now_ms: int) -> Parsed:
        event, at_ms = decode_reward_event(record.value, record.timestamp, now_ms)
        change = Change(at_ms, event.type_name, event.event_id, event.target, event.refunded)
        return record.topic, event.topic_key(), change


def _names_a_customer(key: bytes) -> bool:
    try:
        return key[:1] != RESERVED and all(split_key(key))
    except UnicodeDecodeError:
        return False
