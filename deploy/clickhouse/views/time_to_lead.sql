-- SELECT * FROM time_to_lead(workspace = 'acme', start = '2026-01-01', end = '2026-02-01', timezone = 'Europe/Berlin'):
-- how long the leads of the window took, in seconds: from click to deferred lead, from there to the lead, and in all.
-- Each lead has one time, whatever its quantity; leads adds up the quantities of as many leads as lead_count says.

CREATE VIEW time_to_lead DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
$window
SELECT
    row.1 AS stage,
    sum(quantity) AS leads,
    quantileExact(0.5)(row.2) AS p50,
    quantileExact(0.9)(row.2) AS p90,
    quantileExact(0.99)(row.2) AS p99,
    count() AS lead_count
FROM
(
    SELECT
        quantity,
        arrayJoin([
            ('click to deferred', dateDiff('second', click_timestamp, deferred_at)),
            ('deferred to lead', dateDiff('second', deferred_at, timestamp)),
            ('click to lead', dateDiff('second', click_timestamp, timestamp))
        ]) AS row
    FROM leads
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
)
GROUP BY stage
ORDER BY indexOf(['click to deferred', 'deferred to lead', 'click to lead'], stage);
