"""Looks into what workers hold as a process tells them, without one."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from processors.attribution.explanation import Waiting
from processors.gateway.customers.tracing import Tracing
from processors.gateway.looking import Looks
from processors.gateway.outcomes.held import Holding
from processors.people.traced import HeldEvents, Trace
from schemas.ids import customer_id
from schemas.reasons import UnmatchedReason

MOMENT = "2026-01-01T00:00:00.000Z"


def trace(workspace_id: str, external_id: str, **more: Any) -> Trace:
    """Of one who qualified through a click; ``more``: fields of its explanation."""
    ids = {
        "workspaceId": workspace_id,
        "customerExternalId": external_id,
        "customerId": customer_id(workspace_id, external_id),
    }
    touch = {"clickId": "c1", "deferredAt": MOMENT, "why": "the first"}
    request = {
        "eventName": "First meeting",
        "timestamp": MOMENT,
        "eventId": None,
        "clickId": None,
        "leadId": "ld_1",
        "revision": 1,
        "makesLead": True,
        "waitsUntil": None,
        "why": "goes to click c1",
        "candidates": [{**touch, "eligible": True, "chosen": True}],
    }
    explanation = {
        **ids,
        "customer": None,
        "status": "qualified",
        "summary": "One lead.",
        "attributionModel": "first-click",
        "touches": [{**touch, "clickedAt": MOMENT, "linkId": "l1", "partnerId": "p1", "leadEvents": []}],
        "requests": [request],
        **more,
    }
    told = {
        **ids,
        "status": explanation["status"],
        "similar": [],
        "backlog": {},
        "explanation": explanation,
        "state": {"topic": "t", "partition": 0, "offset": 1, "writtenAt": MOMENT},
        "clickhouse": {"customers": [], "leads": [], "sales": [], "unmatched": []},
        "notes": [],
    }
    return msgspec.convert(told, Trace)


async def _of_nobody(_: str, __: str) -> Trace | None:
    return None


NO_TRACES = Tracing(_of_nobody, Looks(1))


def waiting(external_id: str, click_id: str = "c1") -> Waiting:
    """Of one whose click has not arrived."""
    return Waiting(
        reason=UnmatchedReason.CLICK_NOT_FOUND,
        customer_external_id=external_id,
        click_id=click_id,
        event_name="Sign up",
        timestamp=MOMENT,
        held_since=MOMENT,
        given_up_at="2026-01-02T00:00:00.000Z",
    )


def held(*events: Waiting, complete: bool = True) -> HeldEvents:
    """These, one of each reason or more."""
    reasons = dict(Counter(str(one.reason) for one in events))
    return HeldEvents(as_of=MOMENT, events=events, reasons=reasons, complete=complete)


async def _nothing_held(_: str, __: int) -> HeldEvents:
    return held()


async def _nobody_erased(_: str, __: object) -> Sequence[Any]:
    return []


NOTHING_HELD = Holding(_nothing_held, Looks(1), _nobody_erased)
