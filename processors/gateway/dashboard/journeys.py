"""How people come from one step to the next: how long it takes, what becomes of clicks, who still waits."""

# ruff: noqa: S608 - what strangers say goes in as parameters; the rest is ours

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from processors.gateway.analytics.filters import Kind
from processors.gateway.analytics.scopes import Scope, within
from processors.gateway.asking import Ask
from processors.gateway.dashboard.windows import EVER, Windows


@dataclass(frozen=True)
class Took:
    """Seconds: of half of them, of nine in ten; None: of nobody."""

    half: float | None
    most: float | None

    @classmethod
    def of(cls, quantiles: Sequence[float]) -> Self:
        """As the store says them; none at all of nobody."""
        return cls(*(max(0.0, float(one)) for one in quantiles)) if quantiles else cls(None, None)


@dataclass(frozen=True)
class Steps:
    """``earlier``: leads whose click was before. ``model``: by which all of them were attributed, "" where
    that differs. ``sign_up``, ``qualify``, ``pay``: how long it took from
    click to sign-up, to lead, to the first sale of the lead."""

    earlier: int
    model: str
    sign_up: Took
    qualify: Took
    pay: Took


async def steps(ask: Ask, scope: Scope) -> Steps:
    """Of what happened in the time."""
    quantiles = "if(count() = 0, [], quantilesExact(0.5, 0.9)({}))"
    sql = f"""
        SELECT
            (
                SELECT (
                    sumIf(quantity, click_timestamp < fromUnixTimestamp64Milli({{start:Int64}})),
                    {quantiles.format("dateDiff('second', deferred_at, timestamp)")},
                    groupUniqArray(toString(attribution_model))
                ) FROM leads WHERE {scope.sql(Kind.LEADS)} AND {within("timestamp")}
            ) AS led,
            (
                SELECT {quantiles.format("dateDiff('second', click_timestamp, deferred_at)")}
                FROM customers WHERE {scope.sql(Kind.SIGN_UPS)} AND {within("deferred_at")}
            ) AS signed,
            (
                SELECT {quantiles.format("dateDiff('second', led_at, paid_at)")} FROM
                (
                    SELECT lead_id, min(timestamp) AS paid_at FROM sales
                    WHERE {scope.sql(Kind.SALES)} GROUP BY lead_id HAVING {within("paid_at")}
                ) AS paid
                INNER JOIN
                (
                    SELECT lead_id, timestamp AS led_at FROM leads WHERE {scope.sql(Kind.LEADS)}
                ) AS qualified USING lead_id
            ) AS paid
    """
    [(led, signed, paid)] = await ask(sql, scope.parameters)
    model = led[2][0] if len(led[2]) == 1 else ""
    return Steps(led[0], model, Took.of(signed), Took.of(led[1]), Took.of(paid))


@dataclass(frozen=True)
class Cohort:
    """What has become of the clicks of a time, whenever that was. ``open``: who has signed up and may still
    qualify; ``unpaid``: who has qualified and may still pay."""

    clicks: int
    sign_ups: int
    qualified: int
    paid: int
    open: int
    unpaid: int


async def cohort(ask: Ask, scope: Scope, now_ms: int, windows: Windows = EVER) -> Cohort:
    """Followed to today. Who takes longer than a window counts neither there nor further down."""
    now = "fromUnixTimestamp64Milli({now:Int64})"
    signed = windows.sign_up.holds("click_timestamp", "deferred_at")
    led = f"{signed} AND status = 'qualified' AND {windows.qualify.holds('deferred_at', 'qualified_at')}"
    paid = ""
    if windows.pay.count:
        paid = """LEFT JOIN
        (
            SELECT customer_id, min(timestamp) AS paid_at FROM sales
            WHERE workspace_id = {workspace:String} GROUP BY customer_id
        ) AS paid USING customer_id"""
    sql = f"""
        SELECT (SELECT count() FROM clicks WHERE {scope.sql(Kind.CLICKS)} AND {within("timestamp")}),
            countIf({signed}), countIf({led}),
            countIf({led} AND sales > 0 AND {windows.pay.holds("qualified_at", "paid_at")}),
            countIf({signed} AND status = 'pending' AND {windows.qualify.holds("deferred_at", now)}),
            countIf({led} AND sales = 0 AND {windows.pay.holds("qualified_at", now)})
        FROM customers {paid} WHERE {scope.sql(Kind.SIGN_UPS)} AND {within("click_timestamp")}
    """
    [row] = await ask(sql, {**scope.parameters, "now": now_ms})
    return Cohort(*row)


AGES: Final = (0, 1, 3, 7, 14, 30, 60, 90, 180, 365)
"""Borders in days, as those of the view ``pending_by_age``."""
WINDOW_DAYS: Final = 365
SOON_DAYS: Final = 30


@dataclass(frozen=True)
class Age:
    """``customers``: who wait since so long. ``came``: how many of the past year have come to that age;
    ``qualified``, ``left_waiting``: what became of them within it."""

    from_days: int
    customers: int
    came: int
    qualified: int
    left_waiting: int


@dataclass(frozen=True)
class Waiting:
    """``leaving``: whose window ends soon."""

    ages: Sequence[Age]
    leaving: int


async def waiting(ask: Ask, scope: Scope, now_ms: int) -> Waiting:
    """All who wait now, whatever the time of the scope."""
    sql = f"""
        WITH toInt64(dateDiff('second', deferred_at, fromUnixTimestamp64Milli({{now:Int64}}))) AS since_s
        SELECT
            roundDown(intDiv(greatest(0, if(
                status = 'pending', since_s, dateDiff('second', deferred_at, assumeNotNull(qualified_at))
            )), 86400), {{ages:Array(Int64)}}) AS age,
            countIf(status = 'pending'),
            countIf(status != 'pending' AND since_s <= {WINDOW_DAYS} * 86400),
            countIf(status = 'pending' AND since_s <= {WINDOW_DAYS} * 86400),
            countIf(status = 'pending' AND since_s >= {WINDOW_DAYS - SOON_DAYS} * 86400
                AND since_s < {WINDOW_DAYS} * 86400)
        FROM customers WHERE {scope.sql(Kind.SIGN_UPS)} GROUP BY age
    """
    rows = await ask(sql, {**scope.parameters, "now": now_ms, "ages": [*AGES]})
    found = {row[0]: row[1:] for row in rows}
    counted = [found.get(age, (0, 0, 0, 0)) for age in AGES]
    came = [sum(one[1] + one[2] for one in counted[index:]) for index in range(len(AGES))]
    return Waiting(
        [
            Age(age, one[0], there, one[1], one[2])
            for age, one, there in zip(AGES, counted, came, strict=True)
        ],
        sum(one[3] for one in counted),
    )


def chance(ages: Sequence[Age]) -> float | None:
    """That who has come to the first of these ages qualifies within the last: estimated as Kaplan and Meier
    do, where one who still waits has seen half of his age. None: nobody has come to it."""
    if not ages or not ages[0].came:
        return None
    stays = 1.0
    for one in ages:
        seen = one.came - one.left_waiting / 2
        if seen > 0:
            stays *= 1 - min(1.0, one.qualified / seen)
    return 1 - stays


@dataclass(frozen=True)
class Week:
    """The clicks of a week (its Monday, as a day), and what has become of them. ``qualified``: within 7, 14
    and 30 days; None where somebody has had less time than that."""

    monday: str
    clicks: int
    sign_ups: int
    qualified: Sequence[int | None]


async def weeks(ask: Ask, scope: Scope, timezone: str, now_ms: int) -> Sequence[Week]:
    """As the view ``partner_cohorts`` counts them, of all that the filters leave, oldest first."""
    days = (7, 14, 30)
    within_days = ", ".join(f"countIf(qualified_at <= addDays(click_timestamp, {one}))" for one in days)
    sql = f"""
        SELECT toString(week), sum(clicked), sum(signed),
            {
        ", ".join(
            f"if(addDays(toDateTime(addWeeks(week, 1), {{timezone:String}}), {one})"
            f" <= fromUnixTimestamp64Milli({{now:Int64}}), sum(in_{one}), NULL)"
            for one in days
        )
    }
        FROM
        (
            SELECT toMonday(timestamp, {{timezone:String}}) AS week, count() AS clicked, 0 AS signed,
                0 AS in_7, 0 AS in_14, 0 AS in_30
            FROM clicks WHERE {scope.sql(Kind.CLICKS)} AND {within("timestamp")} GROUP BY week
            UNION ALL
            SELECT toMonday(click_timestamp, {{timezone:String}}) AS week, 0, count(), {within_days}
            FROM customers WHERE {scope.sql(Kind.SIGN_UPS)} AND {within("click_timestamp")} GROUP BY week
        )
        GROUP BY week ORDER BY week
    """
    rows = await ask(sql, {**scope.parameters, "timezone": timezone, "now": now_ms})
    return [Week(row[0], row[1], row[2], row[3:]) for row in rows]
