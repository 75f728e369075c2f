CREATE VIEW dead_letters DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * EXCEPT (version, customer_ids, replayed), toValidUTF8(left(value, 500)) AS preview FROM dead_letters_raw FINAL
WHERE NOT replayed AND NOT arrayExists(one -> one IN (SELECT customer_id FROM erased_raw), customer_ids)
SETTINGS do_not_merge_across_partitions_select_final = 0;

ALTER TABLE dead_letters
    MODIFY COMMENT 'One row per record that could not be used, as its last attempt was first reported; none that was replayed since, and none that names an erased customer',
    COMMENT COLUMN workspace_id 'As far as it can be read',
    COMMENT COLUMN value 'The bytes as they came',
    COMMENT COLUMN preview 'The beginning of the value, readable',
    COMMENT COLUMN attempt 'How often it could not be used: 1, and one more for each replay in vain',
    COMMENT COLUMN position 'partition:offset in the topic dead-letters, as leadstream dlq show takes it',
    COMMENT COLUMN reported_at 'When its last attempt failed';
