-- A suppressed event says nothing but that there was one.

CREATE VIEW unmatched DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * EXCEPT (version) FROM unmatched_raw FINAL
WHERE reason = 'suppressed' OR customer_id NOT IN (SELECT customer_id FROM erased_raw)
SETTINGS do_not_merge_across_partitions_select_final = 0;

ALTER TABLE unmatched
    MODIFY COMMENT 'One row per valid event that led to nothing, as it was first reported; of an erased customer only what came later',
    COMMENT COLUMN timestamp 'When it happened',
    COMMENT COLUMN event 'The event as it came; null when its customer was erased',
    COMMENT COLUMN position 'partition:offset in the topic unmatched',
    COMMENT COLUMN reported_at 'When it was found to lead to nothing';
