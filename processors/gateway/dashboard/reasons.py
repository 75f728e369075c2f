"""Why something was not counted, in plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from processors.gateway.dashboard import words
from processors.gateway.dashboard.refusals import NotCounted
from schemas.reasons import DeadLetterReason, UnmatchedReason


class Said(NamedTuple):
    """``why``: what happened; ``more``: what it waited for, or which rule it is."""

    why: str
    more: str


_U, _D = UnmatchedReason, DeadLetterReason
WORDS: Final[Mapping[str, Said]] = {
    _U.CLICK_NOT_FOUND: Said("The click never arrived", "as long as events wait for each other"),
    _U.NO_DEFERRED_LEAD: Said("Qualified without a sign-up", "no deferred lead for this customer"),
    _U.OUTSIDE_ATTRIBUTION_WINDOW: Said(
        "Signed up too long after the click", "outside the attribution window"
    ),
    _U.OUTSIDE_QUALIFICATION_WINDOW: Said(
        "Qualified too long after the sign-up", "outside the qualification window"
    ),
    _U.CLICK_CONFLICT: Said("Two clicks with one id", "the earlier one counts"),
    _U.BOT_CLICK: Said("The click was a bot's", "robots are no visitors"),
    _U.CONVERSION_TRACKING_DISABLED: Said(
        "Conversion tracking is off for the link", "switch it on where the link is made"
    ),
    _U.NO_LEAD_FOR_PURCHASE: Said("Paid before becoming a lead", "no lead at or before the purchase"),
    _U.TOO_MANY_HELD: Said("Too many waited at once", "for one click or customer"),
    _U.SUPPRESSED: Said("The person was erased", "what comes later is not kept"),
    _D.NOT_JSON: Said("No JSON", "the record cannot be read"),
    _D.NOT_AN_OBJECT: Said("JSON, but no object", "an event is an object"),
    _D.TOO_LARGE: Said("Too large", "more than 256 KiB"),
    _D.SCHEMA_VIOLATION: Said("A field breaks its rule", "the detail names field and rule"),
    _D.TIMESTAMP_OUT_OF_RANGE: Said("Its time cannot be", "more than a day ahead, or before 2000"),
    _D.PROCESSING_FAILED: Said("It could not be worked on", "our fault: the detail names the error"),
    _D.REJECTED_BY_CLICKHOUSE: Said("ClickHouse refuses the result", "the detail says why"),
}


WAITS: Final[Mapping[str, str]] = {
    _U.CLICK_NOT_FOUND: "The click that it names has not arrived",
    _U.NO_DEFERRED_LEAD: "Qualified, but no sign-up has arrived",
    _U.OUTSIDE_QUALIFICATION_WINDOW: "Qualified, but no sign-up is close enough in time",
    _U.NO_LEAD_FOR_PURCHASE: "Paid, but there is no lead yet",
}
"""By the reason with which it would be given up: what an event waits for."""


def said_of(reason: str) -> Said:
    """A reason of a newer release is its own name."""
    return WORDS.get(reason) or Said(reason.replace("_", " ").capitalize(), "")


class ReasonRow(NamedTuple):
    """``kind``: unmatched, dead letter or late."""

    events: int
    said: Said
    reason: str
    kind: str


@dataclass(frozen=True)
class Refused:
    """``events``: that led to nothing; late ones did lead to something, and are a row of their own."""

    events: int
    rows: Sequence[ReasonRow]
    late: ReasonRow | None


def told_of(found: NotCounted) -> Refused:
    """The most frequent reasons first."""
    rows = [ReasonRow(one.events, said_of(one.reason), one.reason, one.kind) for one in found.reasons]
    late = None
    if found.late:
        changed = words.counted(found.changed, "lead")
        more = f"corrected {changed} that had been counted" if found.changed else "counted on their own day"
        late = ReasonRow(found.late, Said("Late events", more), "late", "late")
    return Refused(sum(one.events for one in rows), rows, late)
