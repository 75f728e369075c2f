-- SELECT * FROM attribution_shares(workspace = 'acme', start = '2026-01-01', end = '2026-02-01', timezone = 'Europe/Berlin'):
-- each lead and sale of the window, divided among its touches by five models: first; last; linear, all alike; time decay,
-- half as much for every seven days before the last one; position, 40 % the first, 40 % the last, the rest those between.
-- One row for each touch and model, also with nothing. leads: of a lead, what its quantity comes to; amount: of a sale,
-- minor units of currency.
--
-- Its touches: those of its customer that count and are not after the lead, and the one it is attributed to; of a sale
-- those of its lead. A touch gets what all up to it get, rounded down, less what those before it got: the shares of a model
-- add up to the whole, in millionths of a lead and in minor units.

CREATE VIEW attribution_shares DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
$window
SELECT
    model,
    lead_id,
    sale_id,
    chain[place].2 AS click_id,
    chain[place].3 AS link_id,
    chain[place].4 AS partner_id,
    if(sale_id = '', toDecimal128(share, 6) / 1000000, toDecimal128(0, 6)) AS leads,
    currency,
    if(sale_id = '', toInt128(0), share) AS amount
FROM
(
    SELECT
        model, lead_id, sale_id, currency, chain, place,
        intDiv(units * arraySum(arraySlice(weights, 1, place)), arraySum(weights))
            - intDiv(units * arraySum(arraySlice(weights, 1, place - 1)), arraySum(weights)) AS share
    FROM
    (
        SELECT
            lead_id, sale_id, currency, units, chain,
            arrayEnumerate(chain) AS places,
            length(chain) AS touches,
            [
                ('first', arrayMap(one -> toInt128(one = 1), places)),
                ('last', arrayMap(one -> toInt128(one = touches), places)),
                ('linear', arrayMap(one -> toInt128(1), places)),
                ('time decay', arrayMap(
                    one -> toInt128(round(exp2(30 - dateDiff('millisecond', one.1, chain[-1].1) / 604800000))), chain
                )),
                ('position', arrayMap(
                    one -> toInt128(if(touches > 2 AND (one = 1 OR one = touches), 2 * (touches - 2), 1)), places
                ))
            ] AS models
        FROM
        (
            -- (deferred_at, click_id, link_id, partner_id) of each touch, ascending.
            SELECT
                lead_id, sale_id, currency, units,
                arraySort(arrayConcat([own], arrayFilter(one -> one.1 <= led_at AND one.2 != own.2, counting))) AS chain
            FROM
            (
                SELECT
                    lead_id, '' AS sale_id, customer_id, '' AS currency, toInt128(quantity) * 1000000 AS units,
                    timestamp AS led_at, (deferred_at, click_id, link_id, partner_id) AS own
                FROM leads
                WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
                UNION ALL
                SELECT
                    lead_id, sale_id, customer_id, toString(currency), toInt128(amount),
                    led_at, (deferred_at, click_id, link_id, partner_id)
                FROM sales
                LEFT JOIN
                (
                    SELECT lead_id, timestamp AS led_at FROM leads WHERE workspace_id = {workspace:String}
                ) AS led USING lead_id
                WHERE workspace_id = {workspace:String} AND timestamp >= from_time AND timestamp < to_time
            ) AS counted
            LEFT JOIN
            (
                SELECT
                    customer_id,
                    arrayMap(one -> (one.deferred_at, one.click_id, one.link_id, one.partner_id), touches) AS counting
                FROM customers
                WHERE workspace_id = {workspace:String} AND length(touches) > 1
            ) AS people USING customer_id
        )
    )
    ARRAY JOIN models.1 AS model, models.2 AS weights
    ARRAY JOIN places AS place
);
