-- SELECT * FROM late_events(workspace = 'acme', start = '2026-01-01', end = '2026-02-01', timezone = 'Europe/Berlin'):
-- leads that were published, or changed, more than a day after their own time, by when that was, the latest first. A
-- day is how long events wait for each other unless LEADSTREAM_HOLD says otherwise: a report of the numbers of that
-- day, made in time, did not have them.
--
-- late_by: seconds between the lead's own time and this publishing.

CREATE VIEW late_events DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
$window
SELECT
    emitted_at, timestamp, dateDiff('second', timestamp, emitted_at) AS late_by, lead_id, revision, event_name,
    quantity, customer_external_id, click_id, link_id, partner_id
FROM lead_revisions
WHERE workspace_id = {workspace:String} AND emitted_at >= from_time AND emitted_at < to_time
    AND emitted_at > timestamp + INTERVAL 86400 SECOND
ORDER BY emitted_at DESC, lead_id, revision DESC;
