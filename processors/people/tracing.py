"""What workers and ClickHouse know of a person, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from processors.attribution.explaining import explain
from processors.attribution.explanation import Explanation
from processors.clickhouse.connection import NoClickHouse, open_clickhouse
from processors.errors import Unavailable
from processors.kafka.connection import KafkaRefused, NoBroker
from processors.kafka.running import run_on_kafka
from processors.people.backlog import read_backlog
from processors.people.clickhouse_side import differing_in_case, shown
from processors.people.identity import Person, who_else
from processors.people.worker_side import HeldState, held_state
from processors.settings import Settings
from processors.worker.run import policy_of


@dataclass
class Found:
    """What each side knows; None: it did not answer, and ``notes`` says why.

    ``backlog``: records not processed, by topic. ``similar``: ids that differ in case only.
    """

    person: Person
    held: HeldState | None = None
    explanation: Explanation | None = None
    clickhouse: dict[str, list[dict[str, Any]]] | None = None
    backlog: dict[str, int] = field(default_factory=dict)
    similar: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def known(self) -> bool:
        """Has anybody heard of this customer?"""
        held = self.held is not None and self.held.state is not None
        return held or any((self.clickhouse or {}).values())

    @property
    def decision(self) -> tuple[str, str]:
        """Status and summary: the workers' when they answered, else what ClickHouse shows."""
        if self.explanation is not None:
            return self.explanation.status, self.explanation.summary
        shown = self.clickhouse or {}
        status = str(shown["customers"][0]["status"]) if shown.get("customers") else "unknown"
        return (
            status,
            f"{len(shown.get('leads', ()))} leads and {len(shown.get('sales', ()))} sales in ClickHouse.",
        )

    @property
    def remedy(self) -> str:
        """What to do when nothing is known."""
        if self.backlog:
            return "Look again when the workers have caught up."
        return who_else(self.similar)


def find(settings: Settings, person: Person, reach: Callable[[int, int], None]) -> Found:
    """Ask both. ``reach`` hears how much of the workers' state is read, of how much. Blocks.

    Raises ``Unavailable`` when neither answers.
    """
    found = Found(person)
    try:
        backlog = run_on_kafka(read_backlog(settings))
        found.held = run_on_kafka(held_state(settings, person, reach))
        found.backlog = backlog.of(person, found.held.state)
    except (NoBroker, KafkaRefused) as error:
        found.notes.append(f"{error}; the workers' state is not shown, only what ClickHouse has")
    else:
        policy = policy_of(settings)
        explained = explain(person.workspace_id, person.external_id, found.held.state, policy)
        summary = behind(explained.status, explained.summary, found.backlog)
        found.explanation = replace(explained, summary=summary)
    try:
        client = open_clickhouse(settings)
        try:
            found.clickhouse = shown(client, person)
            found.similar = differing_in_case(client, person)
        finally:
            client.close()
    except NoClickHouse as error:
        if found.held is None:
            neither = Unavailable(f"{found.notes[0]}; {error}", "One of the two has to answer.")
            neither.where = error.where
            raise neither from error
        found.notes.append(f"{error}; what did not match, and why, is not shown")
    return found


def behind(status: str, summary: str, backlog: Mapping[str, int]) -> str:
    """The summary, and how many records were not processed when it was made: it may change soon."""
    if not (records := sum(backlog.values())):
        return summary
    places = ", ".join(f"{count:,} in {topic}" for topic, count in backlog.items())
    are = "record is" if records == 1 else "records are"
    said = "Nothing is held yet, and" if status == "unknown" else f"{summary} But"
    return (
        f"{said} {records:,} {are} not processed where events of this customer come ({places}): "
        "`leadstream doctor` says whether workers run."
    )
