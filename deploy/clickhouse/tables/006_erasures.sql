-- Erased customers: no view shows their rows, from the moment on in which they are listed here. The sink deletes
-- those rows for good, and does not store them again when it reads its topics anew.
--
-- Only our own hashed ids are here. Commands that delete stay in the server's log and in system.mutations: they,
-- too, must name nobody.

CREATE TABLE erased_raw
(
    customer_id            String COMMENT 'Our own id of the customer',
    version                UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY customer_id;

ALTER TABLE unmatched_raw
    ADD COLUMN IF NOT EXISTS customer_id String COMMENT 'Our own id of the customer' AFTER customer_external_id;

ALTER TABLE dead_letters_raw
    ADD COLUMN IF NOT EXISTS customer_ids Array(String) COMMENT 'Whom the record names, as far as it can be read'
    AFTER workspace_id;

CREATE OR REPLACE VIEW leads AS
SELECT * EXCEPT (version) FROM leads_raw FINAL WHERE customer_id NOT IN (SELECT customer_id FROM erased_raw);

CREATE OR REPLACE VIEW sales AS
SELECT * EXCEPT (version) FROM sales_raw FINAL WHERE customer_id NOT IN (SELECT customer_id FROM erased_raw);

CREATE OR REPLACE VIEW customers AS
SELECT * EXCEPT (version, is_deleted) FROM customers_raw FINAL
WHERE customer_id NOT IN (SELECT customer_id FROM erased_raw);

-- A suppressed event says nothing but that there was one.
CREATE OR REPLACE VIEW unmatched AS
SELECT * EXCEPT (version) FROM unmatched_raw FINAL
WHERE reason = 'suppressed' OR customer_id NOT IN (SELECT customer_id FROM erased_raw);

CREATE OR REPLACE VIEW dead_letters AS
SELECT * EXCEPT (version, customer_ids), toValidUTF8(left(value, 500)) AS preview FROM dead_letters_raw FINAL
WHERE NOT arrayExists(one -> one IN (SELECT customer_id FROM erased_raw), customer_ids);

-- A view that is made anew has lost its comments.

ALTER TABLE leads
    MODIFY COMMENT 'One row per customer and event name: who qualified, and whose link brought them',
    COMMENT COLUMN timestamp 'When the customer qualified',
    COMMENT COLUMN deferred_at 'When the customer signed up through the click',
    COMMENT COLUMN click_timestamp 'When the link was clicked',
    COMMENT COLUMN click_id 'The click that counts',
    COMMENT COLUMN revision 'Grows when a late event changes the lead',
    COMMENT COLUMN partner_id 'Whom the link rewards',
    COMMENT COLUMN metadata 'JSON, or empty',
    COMMENT COLUMN customer_external_id 'The id in the workspace''s own system';

ALTER TABLE sales
    MODIFY COMMENT 'One row per purchase of a customer who has a lead',
    COMMENT COLUMN timestamp 'When the customer paid',
    COMMENT COLUMN amount 'In minor units of the currency',
    COMMENT COLUMN lead_id 'The newest lead at or before the purchase, or the one it named',
    COMMENT COLUMN partner_id 'Whom the link rewards',
    COMMENT COLUMN metadata 'JSON, or empty',
    COMMENT COLUMN customer_external_id 'The id in the workspace''s own system';

ALTER TABLE customers
    MODIFY COMMENT 'One row per customer who touched a link; erased customers are gone',
    COMMENT COLUMN status 'pending or qualified',
    COMMENT COLUMN qualified_at 'Time of the earliest lead; null while pending',
    COMMENT COLUMN customer_external_id 'The id in the workspace''s own system';

ALTER TABLE unmatched
    MODIFY COMMENT 'One row per valid event that led to nothing, as it was first reported; of an erased customer only what came later',
    COMMENT COLUMN timestamp 'When it happened',
    COMMENT COLUMN event 'The event as it came; null when its customer was erased',
    COMMENT COLUMN position 'partition:offset in the topic unmatched',
    COMMENT COLUMN reported_at 'When it was found to lead to nothing';

ALTER TABLE dead_letters
    MODIFY COMMENT 'One row per record that could not be used, as its last attempt was first reported; none that names an erased customer',
    COMMENT COLUMN workspace_id 'As far as it can be read',
    COMMENT COLUMN value 'The bytes as they came',
    COMMENT COLUMN preview 'The beginning of the value, readable',
    COMMENT COLUMN attempt 'How often it could not be used: 1, and one more for each replay in vain',
    COMMENT COLUMN position 'partition:offset in the topic dead-letters, as leadstream dlq show takes it',
    COMMENT COLUMN reported_at 'When its last attempt failed';
