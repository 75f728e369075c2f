-- SELECT * FROM not_counted(workspace = 'acme', start = '2026-01-01', end = '2026-02-01', timezone = 'Europe/Berlin'):
-- what led to nothing, by the day on which it happened and by the reason: events that were valid, and records that
-- could not be used, whose day is that of the record. detail: of one of them.

CREATE VIEW not_counted DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
$window
SELECT
    toDate(moment, {timezone:String}) AS day, kind, reason, count() AS events, any(told) AS detail
FROM
(
    SELECT timestamp AS moment, 'unmatched' AS kind, toString(reason) AS reason, detail AS told FROM unmatched
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    UNION ALL
    SELECT source_timestamp, 'dead letter', toString(reason), detail FROM dead_letters
    WHERE workspace_id = {workspace:String} AND source_timestamp >= from_time AND source_timestamp < to_time
)
GROUP BY day, kind, reason
ORDER BY day, events DESC, kind, reason;
