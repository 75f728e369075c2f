-- SELECT * FROM pending_by_age(workspace = 'acme', start = '2026-01-01', end = '2027-01-01', timezone = 'Europe/Berlin'):
-- customers who signed up in the window and have not qualified, by how many days ago that was.
--
-- share: of all who are pending. chance: how likely one who comes to that age without having qualified is to qualify
-- before 365 days are over, estimated from all customers who signed up in the past 365 days (Kaplan and Meier: one who
-- still waits counts for as long as he has waited); null when nobody has come to that age. leaving: how many of them
-- will have waited for 365 days within the next 30; that is how long a qualification may come after the sign-up, unless
-- LEADSTREAM_QUALIFICATION_WINDOW says otherwise.

CREATE VIEW pending_by_age DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
$window,
    [0, 1, 3, 7, 14, 30, 60, 90, 180, 365] AS borders,
    arrayEnumerate(borders) AS buckets,
    (days -> arrayLastIndex(border -> days >= border, borders)) AS bucket_of,
    (
        SELECT arrayMap(counts -> arrayResize(counts, length(borders), 0), [
            sumForEach(arrayMap(one -> toUInt64(bucket >= one), buckets)),
            sumForEach(arrayMap(one -> toUInt64(qualified AND bucket = one), buckets)),
            sumForEach(arrayMap(one -> toUInt64(NOT qualified AND bucket = one), buckets))
        ])
        FROM
        (
            SELECT
                isNotNull(qualified_at) AS qualified,
                bucket_of(dateDiff('second', deferred_at, ifNull(qualified_at, now64(3))) / 86400) AS bucket
            FROM customers
            WHERE workspace_id = {workspace:String} AND deferred_at >= now64(3) - INTERVAL 365 DAY
        )
    ) AS past,
    -- Of those who come to a bucket, the share that leaves it unqualified. Who waits in it has seen half of it.
    arrayMap(
        (came, qualified, waiting) -> if(came - waiting / 2 > 0, 1 - least(1., qualified / (came - waiting / 2)), 1.),
        past[1], past[2], past[3]
    ) AS stays,
    (
        SELECT arrayMap(counts -> arrayResize(counts, length(borders), 0), [
            sumForEach(arrayMap(one -> toUInt64(bucket = one), buckets)),
            sumForEach(arrayMap(one -> toUInt64(bucket = one AND days >= 335 AND days < 365), buckets))
        ])
        FROM
        (
            SELECT dateDiff('second', deferred_at, now64(3)) / 86400 AS days, bucket_of(days) AS bucket
            FROM customers
            WHERE workspace_id = {workspace:String} AND status = 'pending'
                AND deferred_at >= from_time AND deferred_at < to_time
        )
    ) AS pending
SELECT
    borders[bucket] AS from_days,
    if(bucket = length(borders), NULL, borders[bucket + 1]) AS to_days,
    pending[1][bucket] AS customers,
    if(arraySum(pending[1]) = 0, 0., customers / arraySum(pending[1])) AS share,
    if(past[1][bucket] = 0, NULL, 1 - arrayProduct(arraySlice(stays, bucket))) AS chance,
    pending[2][bucket] AS leaving
FROM (SELECT arrayJoin(buckets) AS bucket)
ORDER BY bucket;
