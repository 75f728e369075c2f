-- SELECT * FROM top_links(workspace = 'acme', start = '2026-01-01', end = '2026-02-01', timezone = 'Europe/Berlin'):
-- the best links first. leads adds up the quantities of as many leads as lead_count says. sale_amount adds up minor
-- units by currency.

CREATE VIEW top_links DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
$window
SELECT
    link_id,
    any(domain) AS domain,
    any(key) AS key,
    any(partner_id) AS partner_id,
    sum(clicked) AS clicks,
    sum(led) AS leads,
    sum(sold) AS sales,
    sumMap(earned) AS sale_amount,
    sum(lead_rows) AS lead_count
FROM
(
    SELECT link_id, any(domain) AS domain, any(key) AS key, any(partner_id) AS partner_id,
        count() AS clicked, 0 AS led, 0 AS lead_rows, 0 AS sold, CAST(map(), 'Map(String, Int128)') AS earned
    FROM clicks
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    GROUP BY link_id
    UNION ALL
    SELECT link_id, any(domain), any(key), any(partner_id),
        0, sum(quantity), count(), 0, CAST(map(), 'Map(String, Int128)')
    FROM leads
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    GROUP BY link_id
    UNION ALL
    SELECT link_id, any(domain), any(key), any(partner_id),
        0, 0, 0, count(), sumMap(map(toString(currency), toInt128(amount)))
    FROM sales
    WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
    GROUP BY link_id
)
GROUP BY link_id
ORDER BY leads DESC, clicks DESC, link_id;
