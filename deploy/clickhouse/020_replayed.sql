-- What was sent back is no loss until it is reported anew.
--
-- Of an unmatched event unmatched_raw keeps the first report. Whether the last record about it is a report, or the
-- note that it was replayed, is here. An event without a row was reported before there was this table.
-- version = broker time << 22 | low bits of the offset. The last emission wins.

CREATE TABLE unmatched_last_raw
(
    workspace_id           LowCardinality(String),
    unmatched_id           String COMMENT 'Hash of the event',
    replayed               Bool COMMENT 'It was sent back, and not reported since',
    version                UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace_id, unmatched_id)
SETTINGS non_replicated_deduplication_window = 0;

-- Of a dead letter the note takes the place: its version is greater than that of its attempt, and less than that of
-- the next one.

ALTER TABLE dead_letters_raw
    ADD COLUMN IF NOT EXISTS replayed Bool DEFAULT false COMMENT 'A note: it was sent back, and not reported since'
    AFTER reported_at;

-- Few events are replayed: their keys come first, so that of the last records only those are read.
CREATE OR REPLACE VIEW unmatched AS
SELECT * EXCEPT (version) FROM unmatched_raw FINAL
WHERE (reason = 'suppressed' OR customer_id NOT IN (SELECT customer_id FROM erased_raw))
  AND (workspace_id, unmatched_id) NOT IN
  (
      SELECT workspace_id, unmatched_id FROM unmatched_last_raw FINAL
      WHERE replayed AND (workspace_id, unmatched_id) IN
      (
          SELECT workspace_id, unmatched_id FROM unmatched_last_raw WHERE replayed
      )
  );

CREATE OR REPLACE VIEW dead_letters AS
SELECT * EXCEPT (version, customer_ids, replayed), toValidUTF8(left(value, 500)) AS preview FROM dead_letters_raw FINAL
WHERE NOT replayed AND NOT arrayExists(one -> one IN (SELECT customer_id FROM erased_raw), customer_ids);

-- A view that is made anew has lost its comments.

ALTER TABLE unmatched
    MODIFY COMMENT 'One row per valid event that led to nothing, as it was first reported; none that was replayed since, and of an erased customer only what came later',
    COMMENT COLUMN timestamp 'When it happened',
    COMMENT COLUMN event 'The event as it came; null when its customer was erased',
    COMMENT COLUMN position 'partition:offset in the topic unmatched',
    COMMENT COLUMN reported_at 'When it was found to lead to nothing';

ALTER TABLE dead_letters
    MODIFY COMMENT 'One row per record that could not be used, as its last attempt was first reported; none that was replayed since, and none that names an erased customer',
    COMMENT COLUMN workspace_id 'As far as it can be read',
    COMMENT COLUMN value 'The bytes as they came',
    COMMENT COLUMN preview 'The beginning of the value, readable',
    COMMENT COLUMN attempt 'How often it could not be used: 1, and one more for each replay in vain',
    COMMENT COLUMN position 'partition:offset in the topic dead-letters, as leadstream dlq show takes it',
    COMMENT COLUMN reported_at 'When its last attempt failed';
