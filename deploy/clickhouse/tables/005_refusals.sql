-- What an operator needs of dead letters and unmatched events: when they were reported, and where they stand, for
-- `leadstream dlq show` and `replay`. The version of a row that is already there holds the broker's time.

ALTER TABLE dead_letters_raw
    ADD COLUMN IF NOT EXISTS position String AFTER source_timestamp,
    ADD COLUMN IF NOT EXISTS reported_at DateTime64(3, 'UTC')
        DEFAULT fromUnixTimestamp64Milli(toInt64(bitShiftRight(bitNot(version), 22)), 'UTC') AFTER position;

ALTER TABLE unmatched_raw
    ADD COLUMN IF NOT EXISTS position String AFTER source_timestamp,
    ADD COLUMN IF NOT EXISTS reported_at DateTime64(3, 'UTC')
        DEFAULT fromUnixTimestamp64Milli(toInt64(bitShiftRight(bitNot(version), 22)), 'UTC') AFTER position;

CREATE OR REPLACE VIEW unmatched AS SELECT * EXCEPT (version) FROM unmatched_raw FINAL;

CREATE OR REPLACE VIEW dead_letters AS
SELECT * EXCEPT (version), toValidUTF8(left(value, 500)) AS preview FROM dead_letters_raw FINAL;

ALTER TABLE unmatched
    MODIFY COMMENT 'One row per valid event that led to nothing, as it was first reported',
    COMMENT COLUMN timestamp 'When it happened',
    COMMENT COLUMN event 'The event as it came; null when its customer was erased',
    COMMENT COLUMN position 'partition:offset in the topic unmatched',
    COMMENT COLUMN reported_at 'When it was found to lead to nothing';

ALTER TABLE dead_letters
    MODIFY COMMENT 'One row per record that could not be used, as its last attempt was first reported',
    COMMENT COLUMN workspace_id 'As far as it can be read',
    COMMENT COLUMN value 'The bytes as they came',
    COMMENT COLUMN preview 'The beginning of the value, readable',
    COMMENT COLUMN attempt 'How often it could not be used: 1, and one more for each replay in vain',
    COMMENT COLUMN position 'partition:offset in the topic dead-letters, as leadstream dlq show takes it',
    COMMENT COLUMN reported_at 'When its last attempt failed';
