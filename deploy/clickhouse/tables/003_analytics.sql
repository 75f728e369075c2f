-- Parameterised views: SELECT * FROM timeseries(workspace = 'acme', start = '2026-01-01', end = '2026-02-01',
-- granularity = 'day', timezone = 'Europe/Berlin'). The start counts, the end does not; each event counts at its
-- own time. Dates and times without an offset are local to the timezone (UTC where there is none).

-- granularity: minute, hour, day, week (from Monday), month, quarter or year, on the clock of the timezone.
-- Buckets in which nothing happened are there, with 0. The first one may begin before the start: it counts from
-- the start only. sale_amount adds up minor units, whatever their currency.
CREATE VIEW timeseries AS
WITH
    parseDateTime64BestEffort({start:String}, 3, {timezone:String}) AS start_there,
    parseDateTime64BestEffort({end:String}, 3, {timezone:String}) AS end_there,
    parseDateTime64BestEffort({start:String}, 3, 'UTC') AS start_written,
    parseDateTime64BestEffort({end:String}, 3, 'UTC') AS end_written,
    -- A time that the clocks skip, as midnight in some places, is parsed as one before the gap: it is the gap's end.
    start_there + toIntervalSecond(if(
        start_there = start_written,
        0,
        greatest(0, dateDiff('second', start_there, start_written) - timezoneOffset(start_there))
    )) AS from_time,
    end_there + toIntervalSecond(if(
        end_there = end_written,
        0,
        greatest(0, dateDiff('second', end_there, end_written) - timezoneOffset(end_there))
    )) AS to_time,
    toUnixTimestamp64Milli(from_time) AS from_ms,
    toUnixTimestamp64Milli(to_time) AS to_ms,
    -- No bucket is shorter than this: where clocks change by half an hour, an hour may be.
    multiIf({granularity:String} = 'minute', 60000, {granularity:String} = 'hour', 1800000, 43200000) AS step_ms
SELECT
    bucket,
    sum(clicked) AS clicks,
    sum(led) AS leads,
    sum(sold) AS sales,
    sum(earned) AS sale_amount
FROM
(
    SELECT
        toDateTime(dateTrunc({granularity:String}, timestamp, {timezone:String}), {timezone:String}) AS bucket,
        count() AS clicked, 0 AS led, 0 AS sold, toInt64(0) AS earned
    FROM clicks
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    GROUP BY bucket
    UNION ALL
    SELECT
        toDateTime(dateTrunc({granularity:String}, timestamp, {timezone:String}), {timezone:String}) AS bucket,
        0, count(), 0, toInt64(0)
    FROM leads
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    GROUP BY bucket
    UNION ALL
    SELECT
        toDateTime(dateTrunc({granularity:String}, timestamp, {timezone:String}), {timezone:String}) AS bucket,
        0, 0, count(), sum(amount)
    FROM sales
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    GROUP BY bucket
    UNION ALL
    -- The buckets of a moment in each, by the same function as those of events: clocks change at midnight, too.
    SELECT
        toDateTime(
            dateTrunc(
                {granularity:String},
                fromUnixTimestamp64Milli(toInt64(least(from_ms + number * step_ms, to_ms - 1)), {timezone:String}),
                {timezone:String}
            ),
            {timezone:String}
        ) AS bucket,
        0, 0, 0, toInt64(0)
    FROM numbers(toUInt64(if(to_ms > from_ms, intDiv(to_ms - from_ms - 1, step_ms) + 2, 0)))
    WHERE throwIf(
        {granularity:String} NOT IN ('minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'),
        'granularity: expected minute, hour, day, week, month, quarter or year'
    ) = 0
    GROUP BY bucket
)
GROUP BY bucket
ORDER BY bucket;

-- conversion: count divided by that of the step before; 1 for the first step, 0 when the step before is 0. It
-- may exceed 1: each step counts its own events of the window, and a customer who pays every month makes many
-- sales. drop_off: the share of the step before that is missing; 0 when there is nothing that could be missing.
CREATE VIEW funnel AS
WITH
    parseDateTime64BestEffort({start:String}, 3, 'UTC') AS from_time,
    parseDateTime64BestEffort({end:String}, 3, 'UTC') AS to_time,
    (
        SELECT count() FROM clicks
        WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    ) AS clicked,
    (
        SELECT count() FROM leads
        WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    ) AS led,
    (
        SELECT count() FROM sales
        WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    ) AS sold
SELECT
    row.1 AS step,
    row.2 AS count,
    multiIf(step = 'clicks', 1., row.3 = 0, 0., row.2 / row.3) AS conversion,
    if(row.3 = 0, 0., greatest(0., 1 - conversion)) AS drop_off
FROM
(
    SELECT arrayJoin([('clicks', clicked, clicked), ('leads', led, clicked), ('sales', sold, led)]) AS row
);

-- The best links first.
CREATE VIEW top_links AS
WITH
    parseDateTime64BestEffort({start:String}, 3, 'UTC') AS from_time,
    parseDateTime64BestEffort({end:String}, 3, 'UTC') AS to_time
SELECT
    link_id,
    any(domain) AS domain,
    any(key) AS key,
    any(partner_id) AS partner_id,
    sum(clicked) AS clicks,
    sum(led) AS leads,
    sum(sold) AS sales,
    sum(earned) AS sale_amount
FROM
(
    SELECT link_id, any(domain) AS domain, any(key) AS key, any(partner_id) AS partner_id,
        count() AS clicked, 0 AS led, 0 AS sold, toInt64(0) AS earned
    FROM clicks
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    GROUP BY link_id
    UNION ALL
    SELECT link_id, any(domain), any(key), any(partner_id), 0, count(), 0, toInt64(0)
    FROM leads
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    GROUP BY link_id
    UNION ALL
    SELECT link_id, any(domain), any(key), any(partner_id), 0, 0, count(), sum(amount)
    FROM sales
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    GROUP BY link_id
)
GROUP BY link_id
ORDER BY leads DESC, clicks DESC, link_id;

-- How long the leads of the window took, in seconds: from click to deferred lead, from there to the lead, and in all.
CREATE VIEW time_to_lead AS
WITH
    parseDateTime64BestEffort({start:String}, 3, 'UTC') AS from_time,
    parseDateTime64BestEffort({end:String}, 3, 'UTC') AS to_time
SELECT
    row.1 AS stage,
    count() AS leads,
    quantileExact(0.5)(row.2) AS p50,
    quantileExact(0.9)(row.2) AS p90,
    quantileExact(0.99)(row.2) AS p99
FROM
(
    SELECT arrayJoin([
        ('click to deferred', dateDiff('second', click_timestamp, deferred_at)),
        ('deferred to lead', dateDiff('second', deferred_at, timestamp)),
        ('click to lead', dateDiff('second', click_timestamp, timestamp))
    ]) AS row
    FROM leads
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
)
GROUP BY stage
ORDER BY indexOf(['click to deferred', 'deferred to lead', 'click to lead'], stage);
