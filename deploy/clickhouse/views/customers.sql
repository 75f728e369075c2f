CREATE VIEW customers DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * EXCEPT (version, is_deleted) FROM customers_raw FINAL
WHERE customer_id NOT IN (SELECT customer_id FROM erased_raw)
SETTINGS do_not_merge_across_partitions_select_final = 0;

ALTER TABLE customers
    MODIFY COMMENT 'One row per customer who touched a link; erased customers are gone',
    COMMENT COLUMN status 'pending or qualified',
    COMMENT COLUMN qualified_at 'Time of the earliest lead; null while pending',
    COMMENT COLUMN touches 'Those that count, by the time of their sign-ups',
    COMMENT COLUMN customer_external_id 'The id in the workspace''s own system';
