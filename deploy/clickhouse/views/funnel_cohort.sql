-- SELECT * FROM funnel_cohort(workspace = 'acme', start = '2026-01-01', end = '2026-02-01', timezone = 'Europe/Berlin'):
-- the clicks of the window, followed to this day: how many customers have signed up through them, qualified, and paid,
-- whenever that was. A customer counts with the click that counts for him. open: how many of the step may still go on
-- to the next one, as far as is known: customers who are pending, and qualified ones who have not paid.
--
-- conversion, drop_off: as in funnel_steps; it cannot exceed 1, as long as every customer has a click of his own.

CREATE VIEW funnel_cohort DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
$window,
    (
        SELECT count() FROM clicks
        WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    ) AS clicked,
    (
        SELECT (
            count(), countIf(status = 'pending'), countIf(status = 'qualified'),
            countIf(status = 'qualified' AND sales = 0), countIf(status = 'qualified' AND sales > 0)
        )
        FROM customers
        WHERE workspace_id = {workspace:String} AND click_timestamp >= from_time AND click_timestamp < to_time
    ) AS followed
SELECT
    row.1 AS step,
    row.2 AS count,
    row.3 AS open,
    multiIf(step = 'clicks', 1., row.4 = 0, 0., row.2 / row.4) AS conversion,
    if(row.4 = 0, 0., greatest(0., 1 - conversion)) AS drop_off
FROM
(
    SELECT arrayJoin([
        ('clicks', clicked, toUInt64(0), clicked),
        ('signed up', followed.1, followed.2, clicked),
        ('qualified', followed.3, followed.4, followed.1),
        ('paid', followed.5, toUInt64(0), followed.3)
    ]) AS row
);
