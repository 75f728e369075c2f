-- SELECT * FROM time_to_qualify(workspace = 'acme', start = '2026-01-01', end = '2026-02-01', timezone = 'Europe/Berlin'):
-- how long the leads of the window took from sign-up to qualification, by partner, in buckets of which each is twice as
-- long as the one before: [0, 60), [60, 120), [120, 240) seconds and so on. Buckets without a lead are left out. leads
-- adds up the quantities of as many leads as lead_count says.

CREATE VIEW time_to_qualify DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
$window
SELECT
    partner_id,
    if(doubled = 0, 0, 30 * toUInt64(exp2(doubled))) AS from_seconds,
    60 * toUInt64(exp2(doubled)) AS to_seconds,
    sum(quantity) AS leads,
    count() AS lead_count
FROM
(
    SELECT
        partner_id,
        quantity,
        -- Whole minutes have as many binary digits as bucket borders lie below them.
        length(trim(LEADING '0' FROM bin(toUInt64(greatest(0, intDiv(dateDiff('second', deferred_at, timestamp), 60))))))
            AS doubled
    FROM leads
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
)
GROUP BY partner_id, doubled
ORDER BY partner_id, doubled;
