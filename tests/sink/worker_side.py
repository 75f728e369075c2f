"""What workers say of clicks."""

from collections.abc import Iterable

from aiokafka import ConsumerRecord
from msgspec.json import encode

from processors.attribution.policy import Policy
from schemas.results import Unmatched
from schemas.times import DAY_MS
from tests.model.simulate import Network, Record
from tests.sink.records import T0


def reports(clicks: Iterable[ConsumerRecord]) -> list[bytes]:
    """What they report of these, in this order, on ``unmatched``."""
    network = Network(Policy("first-click", 90 * DAY_MS, 365 * DAY_MS, DAY_MS), T0 + DAY_MS)
    arriving = (Record(one.topic, one.value, one.timestamp, one.offset) for one in clicks)
    return [encode(one) for one in network.run(arriving) if isinstance(one, Unmatched)]
