-- SELECT * FROM timeseries(workspace = 'acme', start = '2026-01-01', end = '2026-02-01', granularity = 'day',
-- timezone = 'Europe/Berlin'). granularity: minute, hour, day, week (from Monday), month, quarter or year, on the
-- clock of the timezone. Where the clocks change within an hour, as by half an hour, a bucket of its own begins.
--
-- bucket: its first moment; label: the same as text, with the offset that tells apart the two hours of the night in
-- which clocks go back. Buckets in which nothing happened are there, with 0. The first one may begin before the
-- start: it counts from the start only.
--
-- leads adds up the quantities of as many leads as lead_count says. sale_amount adds up minor units by currency.

CREATE VIEW timeseries DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
$window,
    toUnixTimestamp64Milli(from_time) AS from_ms,
    toUnixTimestamp64Milli(to_time) AS to_ms,
    intDiv(from_ms, 1000) AS from_s,
    if({granularity:String} IN ('week', 'month', 'quarter', 'year'), {granularity:String}, 'day') AS date_part,
    -- No day is shorter than half of one.
    multiIf({granularity:String} = 'minute', 60, {granularity:String} = 'hour', 3600, 43200) AS step_s,
    toUInt64(least(if(to_ms > from_ms, intDiv(to_ms - from_ms - 1, step_s * 1000) + 4, 0), 100004)) AS steps,
    -- Where buckets begin, in seconds, from the one of the start on: the one authority for events and for gaps.
    (
        SELECT arraySort(groupUniqArray(greatest(0, begins)))
        FROM
        (
            SELECT toInt64(0) AS begins
            WHERE throwIf(
                    {granularity:String} NOT IN ('minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'),
                    'granularity: expected minute, hour, day, week, month, quarter or year'
                ) = 0
                AND throwIf(
                    from_ms < 0 OR to_ms > 4291747200000,
                    'start and end: expected times from 1970-01-01T00:00:00Z to 2106-01-01T00:00:00Z'
                ) = 0
                AND throwIf(
                    to_ms - from_ms > 100000 * step_s * 1000,
                    'granularity: a series covers at most 100,000 minutes or hours; take a coarser one, or a nearer end'
                ) = 0
            UNION ALL
            SELECT (intDiv(from_s, 60) + number) * 60
            FROM numbers(if({granularity:String} = 'minute', steps, 0))
            UNION ALL
            SELECT arrayJoin(if(
                timezoneOffset(fromUnixTimestamp64Second(at, {timezone:String}))
                    = timezoneOffset(fromUnixTimestamp64Second(at + 3600, {timezone:String})),
                [at + positiveModulo(
                    -at - timezoneOffset(fromUnixTimestamp64Second(at, {timezone:String})), 3600
                )],
                -- The clocks change in this hour, at a quarter of it: the server knows of no other changes.
                arrayFilter(
                    quarter -> positiveModulo(
                            quarter + timezoneOffset(fromUnixTimestamp64Second(quarter, {timezone:String})), 3600
                        ) = 0
                        OR timezoneOffset(fromUnixTimestamp64Second(quarter, {timezone:String}))
                            != timezoneOffset(fromUnixTimestamp64Second(quarter - 900, {timezone:String})),
                    arrayMap(quarter -> at + 900 * quarter, range(0, 5))
                )
            ))
            FROM
            (
                SELECT (intDiv(from_s, 3600) + number - 1) * 3600 AS at
                FROM numbers(if({granularity:String} = 'hour', steps, 0))
            )
            UNION ALL
            -- Of a moment in each: a day whose midnight the clocks skip begins later.
            SELECT toUnixTimestamp64Second(toDateTime64(
                dateTrunc(
                    date_part,
                    fromUnixTimestamp64Milli(
                        toInt64(least(from_ms + number * 43200000, to_ms - 1)), {timezone:String}
                    ),
                    {timezone:String}
                ),
                0,
                {timezone:String}
            ))
            FROM numbers(if({granularity:String} IN ('minute', 'hour'), 0, steps))
        )
    ) AS found,
    -- While the server only looks at the types, the subquery has found nothing, and roundDown refuses an empty array.
    if(empty(found), [toInt64(0)], found) AS beginnings,
    arrayFilter(
        one -> one >= roundDown(from_s, beginnings) AND one * 1000 < to_ms AND from_ms < to_ms, beginnings
    ) AS starts
SELECT
    toDateTime(begin, {timezone:String}) AS bucket,
    sum(clicked) AS clicks,
    sum(led) AS leads,
    sum(sold) AS sales,
    sumMap(earned) AS sale_amount,
    sum(lead_rows) AS lead_count,
    concat(
        formatDateTime(bucket, '%Y-%m-%dT%H:%i:%S'), left(formatDateTime(bucket, '%z'), 3), ':',
        right(formatDateTime(bucket, '%z'), 2)
    ) AS label
FROM
(
    SELECT
        roundDown(toInt64(toUnixTimestamp(timestamp)), beginnings) AS begin,
        count() AS clicked, 0 AS led, 0 AS lead_rows, 0 AS sold, CAST(map(), 'Map(String, Int128)') AS earned
    FROM clicks
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    GROUP BY begin
    UNION ALL
    SELECT
        roundDown(toInt64(toUnixTimestamp(timestamp)), beginnings) AS begin,
        0, sum(quantity), count(), 0, CAST(map(), 'Map(String, Int128)')
    FROM leads
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    GROUP BY begin
    UNION ALL
    SELECT
        roundDown(toInt64(toUnixTimestamp(timestamp)), beginnings) AS begin,
        0, 0, 0, count(), sumMap(map(toString(currency), toInt128(amount)))
    FROM sales
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    GROUP BY begin
    UNION ALL
    SELECT arrayJoin(starts) AS begin, 0, 0, 0, 0, CAST(map(), 'Map(String, Int128)')
)
GROUP BY begin
ORDER BY begin;
