"""Three brokers, of which one may be away."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from confluent_kafka.admin import AdminClient

from deploy.local.kafka import LocalKafka, new_cluster_id
from deploy.local.ports import HOST, free_port

_NODES: Final = 3
_OF_EACH: Final = {
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
}


@dataclass(frozen=True)
class Cluster:
    """``env``: what Leadstream's processes need to be told of it."""

    nodes: list[LocalKafka]
    env: Mapping[str, str]

    @property
    def bootstrap(self) -> str:
        """Of all of them."""
        return ",".join(one.bootstrap for one in self.nodes)

    def is_whole(self) -> bool:
        """Every node has all of each partition that it should have."""
        topics = AdminClient({"bootstrap.servers": self.bootstrap}).list_topics(timeout=20).topics
        partitions = [one for topic in topics.values() for one in topic.partitions.values()]
        return all(sorted(one.isrs) == sorted(one.replicas) for one in partitions)


@contextmanager
def cluster(directory: Path) -> Iterator[Cluster]:
    """Started; each node is broker and controller, so that two of them go on alone."""
    identity = new_cluster_id()
    controllers = {number: f"{HOST}:{free_port()}" for number in range(1, _NODES + 1)}
    voters = ",".join(f"{number}@{address}" for number, address in controllers.items())
    with ExitStack() as stack:
        nodes = []
        for number, controller in controllers.items():
            port = free_port()
            listeners = f"PLAINTEXT://{HOST}:{port},CONTROLLER://{controller}"
            own = {"node.id": str(number), "listeners": listeners, "controller.quorum.voters": voters}
            node = LocalKafka(
                directory / f"kafka-{number}", port, settings={**_OF_EACH, **own}, cluster_id=identity
            )
            stack.callback(node.kill)  # in good order the last one would wait for the others
            node.launch()  # none of them answers alone
            nodes.append(node)
        for node in nodes:
            node.start()
        yield Cluster(nodes, {"LEADSTREAM_REPLICATION": str(_NODES)})
