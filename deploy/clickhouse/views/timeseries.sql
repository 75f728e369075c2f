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
    if({granularity:String} IN ('week', 'month', 'quarter', 'year'), {granularity:String}, 'day') AS date_part,
    -- No bucket is shorter: clocks change at quarters of an hour, and no day has less than half of its hours.
    multiIf({granularity:String} = 'minute', 60000, {granularity:String} = 'hour', 900000, 43200000) AS step_ms,
    if({granularity:String} = 'hour', 3600000, step_ms) * 100000 AS most_ms,
    -- Where the bucket of a moment begins, in seconds: the one authority for events and for gaps.
    (second -> timezoneOffset(fromUnixTimestamp64Second(second, {timezone:String}))) AS offset_at,
    -- When the clocks have changed within this hour, its bucket begins at the change.
    ((hour, offset) -> multiIf(
        offset_at(hour) = offset, hour,
        offset_at(hour + 900) = offset, hour + 900,
        offset_at(hour + 1800) = offset, hour + 1800,
        hour + 2700
    )) AS hour_or_change,
    (second -> hour_or_change(second - positiveModulo(second + offset_at(second), 3600), offset_at(second))) AS hour_of,
    (moment -> greatest(0, if(
        {granularity:String} = 'minute',
        intDiv(toUnixTimestamp64Second(moment), 60) * 60,
        if(
            {granularity:String} = 'hour',
            hour_of(toUnixTimestamp64Second(moment)),
            toUnixTimestamp64Second(toDateTime64(
                dateTrunc(date_part, moment, {timezone:String}), 0, {timezone:String}
            ))
        )
    ))) AS begin_of
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
        begin_of(timestamp) AS begin,
        count() AS clicked, 0 AS led, 0 AS lead_rows, 0 AS sold, CAST(map(), 'Map(String, Int128)') AS earned
    FROM clicks
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    GROUP BY begin
    UNION ALL
    SELECT begin_of(timestamp) AS begin, 0, sum(quantity), count(), 0, CAST(map(), 'Map(String, Int128)')
    FROM leads
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    GROUP BY begin
    UNION ALL
    SELECT begin_of(timestamp) AS begin, 0, 0, 0, count(), sumMap(map(toString(currency), toInt128(amount)))
    FROM sales
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    GROUP BY begin
    UNION ALL
    -- Of a moment in each.
    SELECT
        begin_of(fromUnixTimestamp64Milli(
            toInt64(least(from_ms + number * step_ms, to_ms - 1)), {timezone:String}
        )) AS begin,
        0, 0, 0, 0, CAST(map(), 'Map(String, Int128)')
    FROM numbers(toUInt64(intDiv(greatest(0, least(to_ms - from_ms - 1, most_ms)), step_ms) + 2))
    WHERE throwIf(
            {granularity:String} NOT IN ('minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'),
            'granularity: expected minute, hour, day, week, month, quarter or year'
        ) = 0
        AND throwIf(
            from_ms < 0 OR to_ms > 4291747200000,
            'start and end: expected times from 1970-01-01T00:00:00Z to 2106-01-01T00:00:00Z'
        ) = 0
        AND throwIf(
            to_ms - from_ms > most_ms,
            'granularity: a series covers at most 100,000 minutes or hours; take a coarser one, or a nearer end'
        ) = 0
        AND from_ms < to_ms
    GROUP BY begin
)
GROUP BY begin
ORDER BY begin;
