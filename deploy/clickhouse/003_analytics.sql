-- Parameterised views: SELECT * FROM timeseries(workspace = 'acme', start = '2026-01-01', end = '2026-02-01',
-- granularity = 'day', timezone = 'Europe/Berlin'). The start counts, the end does not; each event counts at its
-- own time. Dates and times without an offset are local to the timezone (UTC where there is none).

-- granularity: minute, hour, day, week (from Monday) or month. Buckets in which nothing happened are there, with 0.
CREATE VIEW timeseries AS
WITH
    parseDateTime64BestEffort({start:String}, 3, {timezone:String}) AS from_time,
    parseDateTime64BestEffort({end:String}, 3, {timezone:String}) AS to_time,
    toDateTime(dateTrunc({granularity:String}, from_time, {timezone:String}), {timezone:String}) AS first_bucket
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
    SELECT
        multiIf(
            {granularity:String} = 'minute', addMinutes(first_bucket, number),
            {granularity:String} = 'hour', addHours(first_bucket, number),
            {granularity:String} = 'day', addDays(first_bucket, number),
            {granularity:String} = 'week', addWeeks(first_bucket, number),
            addMonths(first_bucket, number)
        ) AS bucket,
        0, 0, 0, toInt64(0)
    FROM numbers(toUInt64(greatest(0, 1 + dateDiff({granularity:String}, first_bucket, to_time, {timezone:String}))))
    WHERE bucket < to_time
)
GROUP BY bucket
ORDER BY bucket;

-- conversion: count by that of the step before (0 when that is 0); drop_off: what is missing to 1.
-- Each step counts its own events in the window; a customer who pays every month makes many sales.
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
    if(row.3 = 0, 0., row.2 / row.3) AS conversion,
    greatest(0., 1 - conversion) AS drop_off
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
