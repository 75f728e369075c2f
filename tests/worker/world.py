"""Both joins on one partition, without a broker."""

from typing import Any

import orjson

from processors.attribution.policy import Policy
from processors.engine import Output
from processors.worker.processors import ClickProcessor, CustomerProcessor
from schemas.topics import Topic
from tests.engine.one_partition import OnePartition, Stores

NOW = 1_780_000_000_000
NAMES = {topic: topic.value for topic in Topic}


class World(OnePartition):
    """``now_ms`` is the clock. Each :meth:`start` is another life of the worker, on the same stores."""

    def __init__(self, stores: Stores, policy: Policy) -> None:
        super().__init__(stores, NOW)
        self.start(policy)

    def start(self, policy: Policy) -> None:
        self.jobs = (
            ClickProcessor(NAMES, policy),
            CustomerProcessor(NAMES, policy),
        )
        self.begin(self.jobs)

    def send(self, topic: Topic, **fields: Any) -> None:
        """An event of one workspace, of now unless it says otherwise, under the key of its content."""
        value = orjson.dumps({"workspaceId": "acme", "timestamp": self.now_ms} | fields)
        named = fields.get("clickId") or fields["customerExternalId"]
        self.append(Output(NAMES[topic], f"acme:{named}".encode(), value))


def of_topic(outputs: list[Output], topic: Topic) -> list[Any]:
    return [orjson.loads(one.value or b"null") for one in outputs if one.topic == NAMES[topic]]
