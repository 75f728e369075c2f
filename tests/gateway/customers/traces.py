"""Traces as a process tells them, without one."""

from typing import Any

import msgspec

from processors.gateway.customers.tracing import Tracing
from processors.people.traced import Trace
from schemas.ids import customer_id

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


NO_TRACES = Tracing(_of_nobody, 1)
