"""What was not counted, and what came late."""

# ruff: noqa: S608 - what strangers say goes in as parameters; the rest is ours

from collections.abc import Sequence
from dataclasses import dataclass

from processors.gateway.asking import Ask
from processors.gateway.dashboard.scopes import Scope, within
from schemas.times import DAY_MS, SECOND_MS


@dataclass(frozen=True)
class Reason:
    """Why ``events`` led to nothing. ``kind``: ``unmatched`` or ``dead letter``; ``detail``: of one."""

    kind: str
    reason: str
    events: int
    detail: str


@dataclass(frozen=True)
class NotCounted:
    """``late``: leads that were published or changed more than a day after their time; ``changed``: how many
    of them had been counted otherwise before."""

    reasons: Sequence[Reason]
    late: int
    changed: int


async def not_counted(ask: Ask, scope: Scope) -> NotCounted:
    """Most frequent first."""
    sql = f"""
        SELECT 'unmatched', toString(reason) AS name, count() AS events, any(detail)
        FROM unmatched WHERE workspace_id = {{workspace:String}} AND {within("timestamp")} GROUP BY name
        UNION ALL
        SELECT 'dead letter', toString(reason) AS name, count() AS events, any(detail)
        FROM dead_letters WHERE workspace_id = {{workspace:String}} AND {within("source_timestamp")}
        GROUP BY name
        UNION ALL
        SELECT 'late', '', count(), toString(countIf(revision > 1)) FROM lead_revisions
        WHERE workspace_id = {{workspace:String}} AND {within("emitted_at")}
            AND emitted_at > timestamp + INTERVAL {DAY_MS // SECOND_MS} SECOND
    """
    rows = await ask(sql, Scope(scope.workspace_id, scope.start_ms, scope.end_ms).parameters)
    late = next(row for row in rows if row[0] == "late")
    reasons = [Reason(*row) for row in rows if row[0] != "late"]
    reasons.sort(key=lambda one: (-one.events, one.reason))
    return NotCounted(reasons, late[2], int(late[3]))
