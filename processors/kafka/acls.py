"""Who may do what in Kafka: for each kind of process, the least rights that it can work with.

Rights are of brokers that hold ACLs. ``Read`` and ``Write`` include ``Describe``. Principals are whatever the
listener makes of a login: ``User:NAME`` with SASL.
"""

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from processors.kafka.sending import TRANSACTIONS
from processors.settings import Settings
from schemas.topics import (
    EVENT_TOPICS,
    REGISTRY_TOPICS,
    RESULT_TOPICS,
    REWARD_INNER,
    REWARD_INPUTS,
    REWARD_OUTPUTS,
    WORKER_TOPICS,
    Topic,
)

TOPIC: Final = "topic"
GROUP: Final = "group"
TRANSACTION: Final = "transactional-id"
_FOLLOWED: Final = (*EVENT_TOPICS, Topic.CUSTOMERS, Topic.LEADS, Topic.SALES)
"""What a gateway reads as it is written, besides the registries."""


class Right(NamedTuple):
    """To do ``operation`` with a thing of a ``kind``; ``prefixed``: with all whose names begin so."""

    kind: str
    name: str
    prefixed: bool
    operation: str


def rights(
    settings: Settings,
    changelogs: Collection[str],
    ledgers: Collection[str],
    stored: Collection[Topic],
) -> Mapping[str, list[Right]]:
    """By role. ``changelogs``: the workers', by their full names; ``ledgers``: those of rewards; ``stored``:
    what sinks read.

    ``worker``, ``rewards``, ``sink``, ``gateway``: the processes. ``sender``: ``leadstream send``, and
    producers of your own. ``operator``: every other command, ``topics create``, ``workspace``, ``audit`` and
    the replays among them.
    """
    name = settings.topic
    events = [name(topic) for topic in EVENT_TOPICS]
    dead, unmatched = name(Topic.DEAD_LETTERS), name(Topic.UNMATCHED)
    inputs = [name(topic) for topic in WORKER_TOPICS]
    registries, results = [name(topic) for topic in REGISTRY_TOPICS], [name(topic) for topic in RESULT_TOPICS]
    theirs = settings.ledger_names[Topic.DEAD_LETTERS]
    everything = dict.fromkeys([*settings.topics, theirs, *changelogs, *ledgers])
    sinks = settings.full_sink_group
    return {
        "worker": [
            *_on(TOPIC, [*inputs, *changelogs], "Read", "Write"),
            *_on(TOPIC, results, "Write"),
            Right(GROUP, settings.worker_group, False, "Read"),
            Right(TRANSACTION, f"{settings.worker_group}-", True, "Write"),
        ],
        "rewards": [
            *_on(TOPIC, [*map(name, REWARD_INPUTS), name(Topic.REWARD_POLICIES)], "Read"),
            # What is not under its key is sent on.
            *_on(TOPIC, map(name, (Topic.REWARD_EVENTS, *REWARD_INNER, *REWARD_OUTPUTS)), "Write"),
            Right(TOPIC, theirs, False, "Write"),
            *_on(TOPIC, ledgers, "Read", "Write"),
            Right(GROUP, settings.rewards_group, False, "Read"),
            Right(TRANSACTION, f"{settings.rewards_group}-", True, "Write"),
        ],
        "sink": [
            *_on(TOPIC, map(name, stored), "Read"),
            Right(TOPIC, dead, False, "Write"),
            Right(GROUP, sinks, False, "Read"),
        ],
        "gateway": [
            *_on(TOPIC, map(name, _FOLLOWED), "Read"),
            *_on(TOPIC, events, "Write"),
            *_on(TOPIC, registries, "Read", "Write"),
            # A trace reads what workers hold of a customer, and how much they have not processed.
            *_on(TOPIC, changelogs, "Read"),
            Right(TOPIC, name(Topic.TOUCHES), False, "Describe"),
            *_on(GROUP, [settings.worker_group, sinks], "Describe"),
            Right(TRANSACTION, settings.registry_lock, False, "Write"),
        ],
        "sender": [*_on(TOPIC, [*events, name(Topic.REWARD_EVENTS)], "Write")],
        "operator": [
            *_on(TOPIC, everything, "Create", "Read", "DescribeConfigs", "AlterConfigs"),
            *_on(TOPIC, [*events, name(Topic.REWARD_EVENTS), unmatched, dead, *registries], "Write"),
            Right(TOPIC, name(Topic.REWARD_POLICIES), False, "Write"),
            *_on(GROUP, [settings.worker_group, settings.rewards_group, sinks], "Describe"),
            Right(GROUP, f"{sinks}-replay-", True, "Read"),
            Right(TRANSACTION, TRANSACTIONS, True, "Write"),
            Right(TRANSACTION, settings.registry_lock, False, "Write"),
            Right(TRANSACTION, settings.policies_lock, False, "Write"),
        ],
    }


def commands(role: str, granted: Iterable[Right], principal: str) -> Iterator[str]:
    """Shell lines for Kafka's own tool, which give a principal these rights; may be repeated."""
    yield f"# {role}"
    for (kind, prefixed, operations), names in _together(granted).items():
        pattern = ["--resource-pattern-type", "prefixed"] if prefixed else []
        wanted = [part for one in operations for part in ("--operation", one)]
        things = [part for one in names for part in (f"--{kind}", one)]
        arguments = ["--add", "--allow-principal", principal, *wanted, *pattern, *things]
        yield f'kafka-acls.sh --bootstrap-server "$KAFKA" --command-config "$ADMIN" {shlex.join(arguments)}'


def _on(kind: str, names: Iterable[str], *operations: str) -> Iterator[Right]:
    return (Right(kind, name, False, operation) for name in names for operation in operations)


def _together(granted: Iterable[Right]) -> dict[tuple[str, bool, tuple[str, ...]], list[str]]:
    """Names of which the same is granted."""
    operations: dict[tuple[str, bool, str], list[str]] = {}
    for right in granted:
        operations.setdefault((right.kind, right.prefixed, right.name), []).append(right.operation)
    names: dict[tuple[str, bool, tuple[str, ...]], list[str]] = {}
    for (kind, prefixed, name), some in operations.items():
        names.setdefault((kind, prefixed, tuple(some)), []).append(name)
    return names
