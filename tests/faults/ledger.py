"""A trial of processes of rewards: facts of many customers in their topics, and whether what is published of
them is right. No workers: leads and sales are written as these would write them.
"""

import asyncio
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final, NamedTuple

from schemas.topics import REWARD_INPUTS, Topic, customer_key
from tests.faults.judged_ledger import (
    COMMAND,
    UNREADABLE,
    Ledger,
    judge_audit,
    judge_caps,
    judge_dead_letters,
    judge_rewards,
    judge_state,
)
from tests.faults.trial import FaultStack, Trial
from tests.faults.verdict import Verdict
from tests.rewarding.histories import POLICY, documents_of
from tests.rewarding.world import NAMES, record_of
from tests.rewards.builders import ERASURE, WORKSPACE, Document

#: So many customers come through the same partners: about as many as their caps have room for.
_TOGETHER: Final = 40
#: Facts of a customer are spread over those of so many others.
_SPREAD: Final = 300
_ERASED, _DUPLICATE, _MISPLACED, _MALFORMED = 0.1, 0.05, 0.02, 0.01
_TOPICS: Final = {name: topic for topic, name in NAMES.items()}


class Fact(NamedTuple):
    """As it is sent."""

    topic: Topic
    key: bytes | None
    value: bytes | None


class LedgerTrial(Trial):
    """``customers``: by external id, all that is true of each."""

    command: ClassVar = COMMAND
    inputs: ClassVar[Sequence[Topic]] = REWARD_INPUTS
    watched: ClassVar = Topic.REWARDS

    def __init__(self, scenario: str, seed: int, stack: FaultStack, customers: int) -> None:
        draw = random.Random(seed)
        self.customers = {
            str(number): documents_of(str(number), draw, partners_of(number)) for number in range(customers)
        }
        super().__init__(scenario, seed, stack, list(traffic(self.customers, draw)))

    @property
    def group(self) -> str:
        return self.stack.settings.rewards_group

    def create(self) -> None:
        """Topics, and what the program pays."""
        self.stack.create_topics()
        file = self.stack.directory / "policy.json"
        file.write_text(json.dumps(POLICY))
        done = self.stack.run("rewards", "policy", "set", str(file), WORKSPACE)
        assert done.returncode == 0, done.stderr.decode()

    def count(self, stall: float | None = None) -> Verdict:
        """Everything is stopped: hold it against the model, against the claims, and against its own log."""
        ledger = Ledger.of(self.stack, self.customers)
        caps, note = judge_caps(ledger)
        found = [
            judge_rewards(ledger),
            caps,
            judge_state(self.stack, ledger),
            judge_dead_letters(self.stack),
            asyncio.run(judge_audit(self.stack.settings)),
        ]
        self.notes.append(note)
        return self.verdict(found, len(self.events), stall)


def partners_of(number: int) -> list[str]:
    """Among whom a customer's leads may move."""
    return [f"{name}-{number // _TOGETHER}" for name in ("pn", "p2", "p3")]


def traffic(customers: Mapping[str, Sequence[Document]], draw: random.Random) -> Iterator[Fact]:
    """Facts of all of them mixed: some twice, under a wrong key or not to be read, some people erased."""
    moments: list[tuple[float, str, Document]] = []
    for number, (customer, documents) in enumerate(customers.items()):
        told = [*documents, ERASURE] if draw.random() < _ERASED else list(documents)
        told += draw.choices(documents, k=sum(draw.random() < _DUPLICATE for _ in documents))
        moments += [(number + draw.uniform(0, _SPREAD), customer, one) for one in told]
    for _, customer, document in sorted(moments, key=lambda one: one[0]):
        record = record_of(document, customer)
        key = record.key
        if record.topic == NAMES[Topic.REWARD_EVENTS] and draw.random() < _MISPLACED:
            key = customer_key(WORKSPACE, f"not {customer}")
        yield Fact(_TOPICS[record.topic], key, record.value)
        if draw.random() < _MALFORMED:
            yield Fact(Topic.REWARD_EVENTS, key, UNREADABLE)
