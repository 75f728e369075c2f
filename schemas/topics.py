"""Every topic of the system."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_MIB: Final = 1 << 20
INPUT_BYTES: Final = _MIB + 12
"""The largest batch that input topics and registries take, as it is written: Kafka's own default."""
RESULT_BYTES: Final = 8 * _MIB
"""The same for what workers write: a touch is a lead event and its click, a dead letter an input and more."""


class Topic(StrEnum):
    """Base names; ``LEADSTREAM_TOPIC_PREFIX`` goes in front of them on the broker."""

    CLICKS = "clicks"
    DEFERRED_LEADS = "deferred-leads"
    QUALIFICATIONS = "qualifications"
    PURCHASES = "purchases"
    ERASURES = "erasures"
    TOUCHES = "touches"
    CLICK_ERASURES = "click-erasures"
    LEADS = "leads"
    SALES = "sales"
    CUSTOMERS = "customers"
    UNMATCHED = "unmatched"
    DEAD_LETTERS = "dead-letters"
    LINKS = "links"
    WORKSPACES = "workspaces"
    REWARD_EVENTS = "reward-events"
    REWARD_POLICIES = "reward-policies"
    REWARD_CLAIMS = "reward-claims"
    REWARD_SHARES = "reward-shares"
    REWARDS = "rewards"
    REWARD_REFUSALS = "reward-refusals"

    def on(self, prefix: str) -> str:
        """The topic's full name on a broker that is shared under ``prefix``."""
        return prefix + self.value


class Role(StrEnum):
    """Who writes a topic, and who reads it."""

    INPUT = "input"
    INTERNAL = "internal"
    OUTPUT = "output"
    REGISTRY = "registry"


@dataclass(frozen=True)
class TopicSpec:
    """How a topic is laid out.

    ``compacted`` topics keep the newest record of each key for ever; the others keep records for the
    retention time. ``broker_time``: the broker stamps the records, so that the order of their timestamps
    is the order of their offsets whichever worker's clock was wrong; the sink's versions rest on it.
    ``rewards``: of the ledger of rewards, whose processes come after the workers; neither these nor gateways
    touch it. ``ledger``: kept for as long as rewards are.
    """

    role: Role
    key: str
    content: str
    compacted: bool = False
    broker_time: bool = False
    rewards: bool = False
    ledger: bool = False


_BY_CLICK: Final = "workspaceId:clickId"
_BY_CUSTOMER: Final = "workspaceId:customerExternalId"
_BY_PROGRAM: Final = "workspaceId:programId"
_AS_SOURCE: Final = "as the source"

SPECS: Final[dict[Topic, TopicSpec]] = {
    Topic.CLICKS: TopicSpec(Role.INPUT, _BY_CLICK, "click"),
    Topic.DEFERRED_LEADS: TopicSpec(Role.INPUT, _BY_CLICK, "lead event that carries a clickId"),
    Topic.QUALIFICATIONS: TopicSpec(Role.INPUT, _BY_CUSTOMER, "lead event without a clickId"),
    Topic.PURCHASES: TopicSpec(Role.INPUT, _BY_CUSTOMER, "purchase"),
    Topic.ERASURES: TopicSpec(Role.INPUT, _BY_CUSTOMER, "a person to forget"),
    Topic.TOUCHES: TopicSpec(Role.INTERNAL, _BY_CUSTOMER, "lead event joined with its click, or without one"),
    Topic.CLICK_ERASURES: TopicSpec(Role.INTERNAL, _BY_CLICK, "a person to forget who named this click"),
    Topic.LEADS: TopicSpec(Role.OUTPUT, _BY_CUSTOMER, "final lead", broker_time=True),
    Topic.SALES: TopicSpec(Role.OUTPUT, _BY_CUSTOMER, "purchase joined with its lead", broker_time=True),
    Topic.CUSTOMERS: TopicSpec(
        Role.OUTPUT, _BY_CUSTOMER, "pending or qualified, with attribution", compacted=True, broker_time=True
    ),
    Topic.UNMATCHED: TopicSpec(Role.OUTPUT, _AS_SOURCE, "valid event that led to nothing", broker_time=True),
    Topic.DEAD_LETTERS: TopicSpec(Role.OUTPUT, _AS_SOURCE, "bytes that could not be used", broker_time=True),
    Topic.LINKS: TopicSpec(Role.REGISTRY, "id", "link registry", compacted=True),
    Topic.WORKSPACES: TopicSpec(Role.REGISTRY, "id", "workspace registry", compacted=True),
    Topic.REWARD_EVENTS: TopicSpec(
        Role.INPUT, _BY_CUSTOMER, "refund of a sale; hold, release or cancellation of a reward", rewards=True
    ),
    Topic.REWARD_POLICIES: TopicSpec(
        Role.REGISTRY, _BY_PROGRAM, "what a program pays", compacted=True, rewards=True
    ),
    Topic.REWARD_CLAIMS: TopicSpec(
        Role.INTERNAL, "workspaceId:capId", "room that a reward asks for, or gives back", rewards=True
    ),
    Topic.REWARD_SHARES: TopicSpec(Role.INTERNAL, _BY_CUSTOMER, "room that it was granted", rewards=True),
    Topic.REWARDS: TopicSpec(
        Role.OUTPUT, _BY_CUSTOMER, "revision of a reward", broker_time=True, rewards=True, ledger=True
    ),
    Topic.REWARD_REFUSALS: TopicSpec(
        Role.OUTPUT, _BY_CUSTOMER, "what earned nothing, and why", broker_time=True, rewards=True
    ),
}


def _with(role: Role, *, rewards: bool) -> tuple[Topic, ...]:
    return tuple(topic for topic, spec in SPECS.items() if spec.role is role and spec.rewards is rewards)


EVENT_TOPICS: Final = _with(Role.INPUT, rewards=False)
"""What producers write, and leads and sales come of."""
WORKER_TOPICS: Final = (*EVENT_TOPICS, *_with(Role.INTERNAL, rewards=False))
"""What workers read."""
RESULT_TOPICS: Final = _with(Role.OUTPUT, rewards=False)
"""What workers write for others."""
REGISTRY_TOPICS: Final = _with(Role.REGISTRY, rewards=False)
"""What gateways read whole, and write."""
REWARD_INNER: Final = _with(Role.INTERNAL, rewards=True)
"""What the ledger of rewards tells itself."""
REWARD_INPUTS: Final = (
    *(Topic.LEADS, Topic.SALES, Topic.CUSTOMERS, Topic.REWARD_EVENTS),
    *REWARD_INNER,
)
"""What the ledger of rewards reads."""
REWARD_OUTPUTS: Final = _with(Role.OUTPUT, rewards=True)
"""What the ledger of rewards writes for others."""


def click_key(workspace_id: str, click_id: str) -> bytes:
    """Key of everything that is looked up by its click."""
    return f"{workspace_id}:{click_id}".encode()


def customer_key(workspace_id: str, customer_external_id: str) -> bytes:
    """Key of everything that belongs to one customer. Unambiguous: a workspaceId has no colon."""
    return f"{workspace_id}:{customer_external_id}".encode()


def program_key(workspace_id: str, program_id: str) -> bytes:
    """Key of what a program pays."""
    return f"{workspace_id}:{program_id}".encode()


def split_key(key: bytes) -> tuple[str, str]:
    """Inverse of :func:`click_key`, :func:`customer_key` and :func:`program_key`."""
    workspace_id, _, identity = key.decode().partition(":")
    return workspace_id, identity
