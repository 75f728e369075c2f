-- A view says itself what it relies on: neither the server's profile nor the settings of whoever asks may make FINAL
-- show a row twice, or one that lost.

CREATE OR REPLACE VIEW leads AS
SELECT * EXCEPT (version) FROM leads_raw FINAL WHERE customer_id NOT IN (SELECT customer_id FROM erased_raw)
SETTINGS do_not_merge_across_partitions_select_final = 0;

CREATE OR REPLACE VIEW sales AS
SELECT * EXCEPT (version) FROM sales_raw FINAL WHERE customer_id NOT IN (SELECT customer_id FROM erased_raw)
SETTINGS do_not_merge_across_partitions_select_final = 0;

CREATE OR REPLACE VIEW customers AS
SELECT * EXCEPT (version, is_deleted) FROM customers_raw FINAL
WHERE customer_id NOT IN (SELECT customer_id FROM erased_raw)
SETTINGS do_not_merge_across_partitions_select_final = 0;

CREATE OR REPLACE VIEW clicks AS
SELECT * EXCEPT (version, content_hash) FROM clicks_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 0;

CREATE OR REPLACE VIEW unmatched AS
SELECT * EXCEPT (version) FROM unmatched_raw FINAL
WHERE reason = 'suppressed' OR customer_id NOT IN (SELECT customer_id FROM erased_raw)
SETTINGS do_not_merge_across_partitions_select_final = 0;

CREATE OR REPLACE VIEW dead_letters AS
SELECT * EXCEPT (version, customer_ids), toValidUTF8(left(value, 500)) AS preview FROM dead_letters_raw FINAL
WHERE NOT arrayExists(one -> one IN (SELECT customer_id FROM erased_raw), customer_ids)
SETTINGS do_not_merge_across_partitions_select_final = 0;

CREATE OR REPLACE VIEW links AS
SELECT * EXCEPT (version, is_deleted) FROM links_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 0;

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

ALTER TABLE clicks
    MODIFY COMMENT 'One row per clickId, the earliest; clicks of bots are not among them';

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
