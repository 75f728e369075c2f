"""The reference model, as the bench needs it: what leads these events have to end in."""

from collections.abc import Iterable
from dataclasses import dataclass

from bench.record import Record
from processors.audit.model.arrivals import TopicRecord, read_all
from processors.audit.model.reference import ReferenceModel
from processors.settings import Settings
from processors.worker.run import policy_of
from schemas.results import Lead


@dataclass(frozen=True)
class Expected:
    """``leads``: by id, with revision 0. ``unsure``: (workspace, customer) of whom order decides."""

    leads: dict[str, Lead]
    unsure: frozenset[tuple[str, str]]


def expected(records: Iterable[Record], now_ms: int) -> Expected:
    """What the product has to make of these events under its default settings."""
    reading = read_all((TopicRecord(one.topic, one.value, now_ms) for one in records), now_ms)
    outcome = ReferenceModel(policy_of(Settings())).compute(reading.events)
    return Expected(outcome.certain().leads, frozenset(outcome.contested))
