-- SELECT * FROM funnel(workspace = 'acme', start = '2026-01-01', end = '2026-02-01', timezone = 'Europe/Berlin').
--
-- count: for leads, what their quantities add up to; records: how many clicks, leads, sales these are. conversion:
-- count divided by that of the step before; 1 for the first step, 0 when the step before is 0. It may exceed 1: each
-- step counts its own events of the window, and a customer who pays every month makes many sales. drop_off: the share
-- of the step before that is missing; 0 when there is nothing that could be missing.

CREATE VIEW funnel DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
$window,
    (
        SELECT count() FROM clicks
        WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    ) AS clicked,
    (
        SELECT (sum(quantity), count()) FROM leads
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
    if(row.3 = 0, 0., greatest(0., 1 - conversion)) AS drop_off,
    row.4 AS records
FROM
(
    SELECT arrayJoin([
        ('clicks', clicked, clicked, clicked), ('leads', led.1, clicked, led.2), ('sales', sold, led.1, sold)
    ]) AS row
);
