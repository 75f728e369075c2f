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
    sumIf(toInt128(gross), status = 'cancelled') AS cancelled
FROM rewards
WHERE workspace_id = {workspace:String} AND program_id = {program:String}
  AND earned_at >= from_time AND earned_at < to_time
GROUP BY partner_id, currency
ORDER BY partner_id, currency;
