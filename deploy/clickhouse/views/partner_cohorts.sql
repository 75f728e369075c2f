-- SELECT * FROM partner_cohorts(workspace = 'acme', start = '2026-01-01', end = '2026-02-01', timezone = 'Europe/Berlin'):
-- the clicks of each week (from Monday, in the timezone) and partner, and what has become of them: customers who have
-- signed up, and those who qualified within 7, 14 and 30 days of the click that counts for them. A week of which
-- somebody has had less time than that is not low, it is null.

CREATE VIEW partner_cohorts DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
$window,
    -- Whether the last click of a week has had that many days.
    ((week, days) -> addDays(toDateTime(addWeeks(week, 1), {timezone:String}), days) <= now({timezone:String})) AS is_over
SELECT
    week,
    partner_id,
    sum(clicked) AS clicks,
    sum(signed) AS signed_up,
    if(is_over(week, 7), sum(within_7), NULL) AS qualified_7,
    if(is_over(week, 14), sum(within_14), NULL) AS qualified_14,
    if(is_over(week, 30), sum(within_30), NULL) AS qualified_30
FROM
(
    SELECT toMonday(timestamp, {timezone:String}) AS week, partner_id,
        count() AS clicked, 0 AS signed, 0 AS within_7, 0 AS within_14, 0 AS within_30
    FROM clicks
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    GROUP BY week, partner_id
    UNION ALL
    SELECT toMonday(click_timestamp, {timezone:String}) AS week, partner_id,
        0, count(),
        countIf(qualified_at <= addDays(click_timestamp, 7)),
        countIf(qualified_at <= addDays(click_timestamp, 14)),
        countIf(qualified_at <= addDays(click_timestamp, 30))
    FROM customers
    WHERE workspace_id = {workspace:String} AND click_timestamp >= from_time AND click_timestamp < to_time
    GROUP BY week, partner_id
)
GROUP BY week, partner_id
ORDER BY week, partner_id;
