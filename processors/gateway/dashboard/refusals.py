"""What was not counted, and what came late."""

# ruff: noqa: S608 - what strangers say goes in as parameters; the rest is ours

from collections.abc import Sequence
from dataclasses import dataclass

from processors.gateway.analytics.scopes import Scope, within
from processors.gateway.asking import Ask
from schemas.ids import customer_id
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


@dataclass(frozen=True)
class RefusedEvent:
    """One of them, as far as it says something of itself. ``position``: where its report is."""

    kind: str
    reason: str
    at_ms: int
    customer: str
    click_id: str
    name: str
    detail: str
    position: str


async def refused_events(
    ask: Ask,
    scope: Scope,
    *,
    reason: str = "",
    customer: str = "",
    most: int = 100,
    after: RefusedEvent | None = None,
) -> Sequence[RefusedEvent]:
    """Newest first. ``reason``, ``customer``: only those; ``after``: those that follow it."""
    wanted, parameters = "", {**Scope(scope.workspace_id, scope.start_ms, scope.end_ms).parameters}
    if reason:
        wanted += " AND reason = {reason:String}"
    if customer:
        wanted += " AND customer_id = {customer:String}"
    unmatched = f"""
        SELECT 'unmatched' AS kind, toString(reason), toUnixTimestamp64Milli(timestamp) AS at,
            customer_external_id, click_id, toString(event_name), detail, position
        FROM unmatched WHERE workspace_id = {{workspace:String}} AND {within("timestamp")}{wanted}
    """
    dead = f"""
        SELECT 'dead letter' AS kind, toString(reason), toUnixTimestamp64Milli(source_timestamp) AS at,
            '', '', '', detail, position
        FROM dead_letters WHERE workspace_id = {{workspace:String}} AND {within("source_timestamp")}
    """ + (" AND reason = {reason:String}" if reason else "")
    # Dead letters name nobody: they cannot be read.
    union = unmatched if customer else f"{unmatched} UNION ALL {dead}"
    behind = ""
    if after is not None:
        behind = (
            "WHERE (-at, kind, position) > (-{after_at:Int64}, {after_kind:String}, {after_position:String})"
        )
        parameters |= {"after_at": after.at_ms, "after_kind": after.kind, "after_position": after.position}
    sql = f"SELECT * FROM ({union}) {behind} ORDER BY at DESC, kind, position LIMIT {{most:UInt32}}"
    ours = customer_id(scope.workspace_id, customer) if customer else ""
    given = {"reason": reason, "customer": ours, "most": most}
    rows = await ask(sql, parameters | {name: one for name, one in given.items() if one})
    return [RefusedEvent(*row) for row in rows]


@dataclass(frozen=True)
class LateLead:
    """``emitted_ms``: when it was published; ``at_ms``: when it happened."""

    emitted_ms: int
    at_ms: int
    name: str
    revision: int
    customer: str
    partner_id: str


async def late_leads(ask: Ask, scope: Scope, most: int = 100) -> Sequence[LateLead]:
    """Those of ``not_counted``, latest first."""
    sql = f"""
        SELECT toUnixTimestamp64Milli(emitted_at), toUnixTimestamp64Milli(timestamp), toString(event_name),
            revision, customer_external_id, partner_id
        FROM lead_revisions WHERE workspace_id = {{workspace:String}} AND {within("emitted_at")}
            AND emitted_at > timestamp + INTERVAL {DAY_MS // SECOND_MS} SECOND
        ORDER BY emitted_at DESC, lead_id, revision LIMIT {{most:UInt32}}
    """
    parameters = Scope(scope.workspace_id, scope.start_ms, scope.end_ms).parameters
    return [LateLead(*row) for row in await ask(sql, {**parameters, "most": most})]
