-- SELECT * FROM funnel_steps(workspace = 'acme', start = '2026-01-01', end = '2026-02-01', timezone = 'Europe/Berlin'):
-- what happened in the window, step by step: clicks; customers who signed up; customers who qualified for the first
-- time; customers who paid for the first time. Each step counts by its own time, whenever the click was:
-- earlier_clicks says how many of them clicked before the window.
--
-- conversion: count divided by that of the step before, 1 for the first step, 0 when that is 0; it may exceed 1.
-- drop_off: the share of the step before that is missing.

CREATE VIEW funnel_steps DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
$window,
    (
        SELECT count() FROM clicks
        WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    ) AS clicked,
    (
        SELECT (count(), countIf(click_timestamp < from_time)) FROM customers
        WHERE workspace_id = {workspace:String} AND deferred_at >= from_time AND deferred_at < to_time
    ) AS signed_up,
    (
        SELECT (count(), countIf(clicked_at < from_time)) FROM
        (
            SELECT min(timestamp) AS first_at, argMin(click_timestamp, timestamp) AS clicked_at FROM leads
            WHERE workspace_id = {workspace:String} GROUP BY customer_id
        )
        WHERE first_at >= from_time AND first_at < to_time
    ) AS qualified,
    (
        SELECT (count(), countIf(clicked_at < from_time)) FROM
        (
            SELECT min(timestamp) AS first_at, argMin(click_timestamp, timestamp) AS clicked_at FROM sales
            WHERE workspace_id = {workspace:String} GROUP BY customer_id
        )
        WHERE first_at >= from_time AND first_at < to_time
    ) AS paid
SELECT
    row.1 AS step,
    row.2 AS count,
    row.3 AS earlier_clicks,
    multiIf(step = 'clicks', 1., row.4 = 0, 0., row.2 / row.4) AS conversion,
    if(row.4 = 0, 0., greatest(0., 1 - conversion)) AS drop_off
FROM
(
    SELECT arrayJoin([
        ('clicks', clicked, toUInt64(0), clicked),
        ('signed up', signed_up.1, signed_up.2, clicked),
        ('qualified', qualified.1, qualified.2, signed_up.1),
        ('paid', paid.1, paid.2, qualified.1)
    ]) AS row
);
