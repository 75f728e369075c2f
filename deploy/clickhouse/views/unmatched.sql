-- A suppressed event says nothing but that there was one. Few events are replayed: their keys come first, so that of
-- the last records only those are read.

CREATE VIEW unmatched DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * EXCEPT (version) FROM unmatched_raw FINAL
WHERE (reason = 'suppressed' OR customer_id NOT IN (SELECT customer_id FROM erased_raw))
  AND (workspace_id, unmatched_id) NOT IN
  (
      SELECT workspace_id, unmatched_id FROM unmatched_last_raw FINAL
      WHERE replayed AND (workspace_id, unmatched_id) IN
      (
          SELECT workspace_id, unmatched_id FROM unmatched_last_raw WHERE replayed
      )
  )
SETTINGS do_not_merge_across_partitions_select_final = 0;

ALTER TABLE unmatched
    MODIFY COMMENT 'One row per valid event that led to nothing, as it was first reported; none that was replayed since, and of an erased customer only what came later',
    COMMENT COLUMN timestamp 'When it happened',
    COMMENT COLUMN event 'The event as it came; null when its customer was erased',
    COMMENT COLUMN position 'partition:offset in the topic unmatched',
    COMMENT COLUMN reported_at 'When it was found to lead to nothing';
