-- SELECT * FROM sales_kinds(workspace = 'acme', start = '2026-01-01', end = '2026-02-01', timezone = 'Europe/Berlin'):
-- sales of the window: new, the first one of a customer ever, and recurring, all that came after. sale_amount adds up
-- minor units by currency.

CREATE VIEW sales_kinds DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
$window
SELECT row.1 AS kind, row.2 AS sales, row.3 AS customers, row.4 AS sale_amount
FROM
(
    SELECT arrayJoin([
        ('new', countIf(first), uniqExactIf(customer_id, first), sumMapIf(paid, first)),
        ('recurring', countIf(NOT first), uniqExactIf(customer_id, NOT first), sumMapIf(paid, NOT first))
    ]) AS row
    FROM
    (
        SELECT
            customer_id, timestamp, map(toString(currency), toInt128(amount)) AS paid,
            row_number() OVER (PARTITION BY customer_id ORDER BY timestamp, sale_id) = 1 AS first
        FROM sales
        WHERE workspace_id = {workspace:String}
    )
    WHERE timestamp >= from_time AND timestamp < to_time
);
