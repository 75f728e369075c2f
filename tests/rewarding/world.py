"""The ledger of rewards on one partition, without a broker, and its records."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
from msgspec.json import Decoder

from processors.engine import Output
from processors.engine.state.memory import MemoryStore
from processors.rewarding.caps import CapsProcessor
from processors.rewarding.customers import RewardsProcessor
from processors.rewards.policy import Policies
from schemas.rewards import Reward, RewardRefusal
from schemas.topics import Topic, customer_key, split_key
from tests.engine.one_partition import OnePartition
from tests.rewards.builders import CUSTOMER, HOLD, LATE, WORKSPACE, Document, Said

NAMES = {topic: topic.on("t.") for topic in Topic}
_reward = Decoder(Reward).decode
_refusal = Decoder(RewardRefusal).decode


def record_of(document: Document, customer: str = CUSTOMER) -> Output:
    """As workers and producers write it."""
    key = customer_key(WORKSPACE, customer)
    if "leadId" in document:
        return Output(NAMES[Topic.LEADS], key, orjson.dumps(document))
    if "saleId" in document:
        return Output(NAMES[Topic.SALES], key, orjson.dumps(document))
    if document["type"] == "erasure":
        return Output(NAMES[Topic.CUSTOMERS], key, None)
    whose = {"workspaceId": WORKSPACE, "customerExternalId": customer}
    target = {"saleId" if document["type"] == "refund" else "rewardId": document["target"]}
    event = {name: value for name, value in document.items() if name != "target"}
    return Output(NAMES[Topic.REWARD_EVENTS], key, orjson.dumps({**event, **whose, **target}))


class RewardWorld(OnePartition):
    """``policies`` may be changed at any time. ``said``: of each customer, all that was published."""

    def __init__(self, policies: Policies, now_ms: int = LATE) -> None:
        super().__init__({(table, 0): MemoryStore(Path()) for table in ("rewards", "caps")}, now_ms)
        self.policies = policies
        self.said: defaultdict[str, Said] = defaultdict(Said)
        self.job = RewardsProcessor(NAMES, HOLD, lambda: self.policies, 1)
        self.begin([self.job, CapsProcessor(NAMES)])

    def send(self, documents: Iterable[Document], customer: str = CUSTOMER) -> None:
        """Written, and read at once, with all that comes of it."""
        for one in documents:
            self.append(record_of(one, customer))
            self.settle()

    def settle(self) -> None:
        """Until there is nothing more to do."""
        while self.work():
            pass

    def append(self, output: Output) -> None:
        super().append(output)
        said: Any = {NAMES[Topic.REWARDS]: _reward, NAMES[Topic.REWARD_REFUSALS]: _refusal}.get(output.topic)
        if said is not None:
            self.said[split_key(output.key or b"")[1]].keep([said(output.value)])

    def of(self, customer: str = CUSTOMER) -> Said:
        """What was said of this one."""
        return self.said[customer]

    def values(self, topic: Topic) -> list[Any]:
        """Of its records."""
        return [orjson.loads(one.value or b"null") for one in self.logs[NAMES[topic]]]
