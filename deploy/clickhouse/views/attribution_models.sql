-- SELECT * FROM attribution_models(workspace = 'acme', start = '2026-01-01', end = '2026-02-01', timezone = 'Europe/Berlin'):
-- leads and sales of the window by model, link and partner, as attribution_shares divides them. Each model adds up to the
-- same leads and amounts. sale_amount adds up minor units by currency.

CREATE VIEW attribution_models DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    model,
    link_id,
    partner_id,
    sum(leads) AS leads,
    sumMapIf(map(currency, amount), sale_id != '') AS sale_amount
FROM attribution_shares(
    workspace = {workspace:String}, start = {start:String}, end = {end:String}, timezone = {timezone:String}
)
GROUP BY model, link_id, partner_id
ORDER BY model, leads DESC, link_id, partner_id;
