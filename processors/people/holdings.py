"""How much is held of a person, and where: what whoever erases sees first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from clickhouse_connect.driver.client import Client

from processors.attribution.customer_state import CustomerState
from processors.kafka.connection import KafkaRefused
from processors.kafka.running import run_on_kafka
from processors.people.backlog import read_backlog
from processors.people.clickhouse_side import differing_in_case, stored
from processors.people.identity import Person, who_else
from processors.people.worker_side import held_state
from processors.settings import Settings


@dataclass
class Holdings:
    """``workers``, ``clickhouse``: how much of each kind; None: not known, and ``notes`` say why.

    ``erased``: the workers know of an erasure. ``backlog``: records not processed, by topic, among which
    there may be some of this person. ``similar``: ids that differ in case only.
    """

    person: Person
    workers: Mapping[str, int] | None = None
    clickhouse: Mapping[str, int] | None = None
    erased: bool = False
    backlog: Mapping[str, int] = field(default_factory=dict)
    similar: Sequence[str] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def known(self) -> bool:
        """Is anything held of this person, or was it erased before?"""
        return self.erased or any((self.workers or {}).values()) or any((self.clickhouse or {}).values())

    @property
    def remedy(self) -> str:
        """What may be wrong when nothing is held."""
        if self.backlog:
            return "Look again when the workers have caught up: `leadstream doctor` says whether they run."
        return who_else(self.similar)

    def lines(self) -> Iterator[str]:
        """For people, without what anything says."""
        yield f"{self.person}:"
        workers = _counted(self.workers)
        yield f"  in the workers' state  {'erased already' if self.erased else workers}"
        yield f"  in ClickHouse          {_counted(self.clickhouse)}"
        if records := sum(self.backlog.values()):
            yield f"  not processed yet      {records:,} records, where events of this person come"
        if self.similar:
            yield f"  not to be mixed up     with {', '.join(self.similar)}: ids that differ in case differ"


def look(
    settings: Settings, person: Person, client: Client | None, reach: Callable[[int, int], None]
) -> Holdings:
    """Ask workers' state and ClickHouse; ``client`` None: without the latter. Blocks.

    ``reach`` hears how much of the workers' state is read, of how much. Raises ``NoBroker``, and the driver's
    ``ClickHouseError``.
    """
    found = Holdings(person)
    try:
        backlog = run_on_kafka(read_backlog(settings))
        held = run_on_kafka(held_state(settings, person, reach))
    except KafkaRefused as error:
        found.notes.append(f"{error}; the workers' state is not looked at")
    else:
        found.workers = _in(held.state)
        found.erased = held.state is not None and held.state.erased
        found.backlog = backlog.of(person, held.state)
    if client is not None:
        found.clickhouse = stored(client, person)
        found.similar = differing_in_case(client, person)
    return found


def _in(state: CustomerState | None) -> dict[str, int]:
    if state is None:
        return {}
    return {
        "touches": len(state.touches),
        "lead events waiting": len(state.waiting),
        "requests": len(state.requests),
        "purchases": len(state.purchases),
        "leads": len(state.lead_revisions),
        "sales": len(state.sale_revisions),
    }


def _counted(numbers: Mapping[str, int] | None) -> str:
    if numbers is None:
        return "not known"
    return ", ".join(f"{name} {count:,}" for name, count in numbers.items() if count) or "nothing"
