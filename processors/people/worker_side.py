"""What the workers hold of a person."""

from collections.abc import Callable
from dataclasses import dataclass

from processors.attribution.customer_join import CustomerState, load
from processors.attribution.facts import NewerState
from processors.kafka.connection import KafkaRefused
from processors.people.identity import Person
from processors.settings import Settings
from processors.worker.looking import stored_state
from processors.worker.processors import CUSTOMERS_TABLE


@dataclass(frozen=True)
class HeldState:
    """The customer's state as of the record at ``offset``; None: there is none, or no longer."""

    state: CustomerState | None
    topic: str = ""
    partition: int = 0
    offset: int = 0
    written_ms: int = 0


async def held_state(
    settings: Settings, person: Person, progress: Callable[[int, int], None] | None = None
) -> HeldState:
    """From the changelog of the customers' table. Raises ``NoBroker`` or ``KafkaRefused``."""
    stored = await stored_state(settings, settings.worker_group, CUSTOMERS_TABLE, person.key, progress)
    if stored is None:
        return HeldState(None)
    try:
        state = None if stored.state is None else load(stored.state)
    except NewerState as error:
        raise KafkaRefused(f"{error}: ask with the `leadstream` of that release") from error
    return HeldState(state, stored.topic, stored.partition, stored.offset, stored.written_ms)
