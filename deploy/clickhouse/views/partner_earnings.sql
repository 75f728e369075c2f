-- SELECT * FROM partner_earnings(workspace = 'acme', program = 'pg_1', start = '2026-01-01', end = '2026-02-01', timezone = 'UTC'):
-- what partners have earned by leads and sales of the window, as it stands now, by currency. In minor units; cancelled: what
-- was cancelled had been worth so much.

CREATE VIEW partner_earnings DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
$window
SELECT
    partner_id,
    currency,
    countIf(status != 'cancelled') AS rewards,
    sumIf(toInt128(amount), status = 'pending') AS pending,
    sumIf(toInt128(amount), status = 'payable') AS payable,
    sumIf(toInt128(amount), status = 'held') AS held,
    sumIf(toInt128(worth), status = 'cancelled') AS cancelled
FROM
(
    SELECT
        newest.1 AS partner_id, newest.2 AS currency, newest.3 AS status, newest.4 AS amount, newest.5 AS earned_at, worth
    FROM
    (
        SELECT
            argMax((partner_id, currency, status, amount, earned_at), revision) AS newest,
            argMaxIf(amount, revision, status != 'cancelled') AS worth
        FROM rewards_raw FINAL
        WHERE workspace_id = {workspace:String} AND program_id = {program:String}
        GROUP BY reward_id
    )
)
WHERE earned_at >= from_time AND earned_at < to_time
GROUP BY partner_id, currency
ORDER BY partner_id, currency
SETTINGS do_not_merge_across_partitions_select_final = 0;
