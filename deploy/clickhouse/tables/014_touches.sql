-- The touches of a customer that count, by (deferred_at, click_id), so that models of attribution can be compared.
--
-- What says nothing of them, a row from before or one of a sink of the release before, has the one that it is attributed to.

ALTER TABLE customers_raw
    ADD COLUMN IF NOT EXISTS touches Array(Tuple(
        click_id           String,
        click_timestamp    DateTime64(3, 'UTC'),
        deferred_at        DateTime64(3, 'UTC'),
        link_id            String,
        partner_id         String,
        program_id         String
    ))
    DEFAULT [(click_id, click_timestamp, deferred_at, link_id, partner_id, program_id)] AFTER qr;
