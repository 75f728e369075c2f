-- What was sent back is no loss until it is reported anew: of an event that has been replayed a note takes the place,
-- with the version that any report before it has less of, and any report after it more.

ALTER TABLE unmatched_raw
    ADD COLUMN IF NOT EXISTS replayed Bool DEFAULT false COMMENT 'A note: it was sent back, and not reported since'
    AFTER reported_at;

ALTER TABLE dead_letters_raw
    ADD COLUMN IF NOT EXISTS replayed Bool DEFAULT false COMMENT 'A note: it was sent back, and not reported since'
    AFTER reported_at;

CREATE OR REPLACE VIEW unmatched AS
SELECT * EXCEPT (version, replayed) FROM unmatched_raw FINAL
WHERE NOT replayed AND (reason = 'suppressed' OR customer_id NOT IN (SELECT customer_id FROM erased_raw));

CREATE OR REPLACE VIEW dead_letters AS
SELECT * EXCEPT (version, customer_ids, replayed), toValidUTF8(left(value, 500)) AS preview FROM dead_letters_raw FINAL
WHERE NOT replayed AND NOT arrayExists(one -> one IN (SELECT customer_id FROM erased_raw), customer_ids);

-- A view that is made anew has lost its comments.

ALTER TABLE unmatched
    MODIFY COMMENT 'One row per valid event that led to nothing, as it was last reported; none that was replayed since, and of an erased customer only what came later',
    COMMENT COLUMN timestamp 'When it happened',
    COMMENT COLUMN event 'The event as it came; null when its customer was erased',
    COMMENT COLUMN position 'partition:offset in the topic unmatched, as leadstream unmatched replay takes it',
    COMMENT COLUMN reported_at 'When it was last found to lead to nothing';

ALTER TABLE dead_letters
    MODIFY COMMENT 'One row per record that could not be used, as its last attempt was first reported; none that was replayed since, and none that names an erased customer',
    COMMENT COLUMN workspace_id 'As far as it can be read',
    COMMENT COLUMN value 'The bytes as they came',
    COMMENT COLUMN preview 'The beginning of the value, readable',
    COMMENT COLUMN attempt 'How often it could not be used: 1, and one more for each replay in vain',
    COMMENT COLUMN position 'partition:offset in the topic dead-letters, as leadstream dlq show takes it',
    COMMENT COLUMN reported_at 'When its last attempt failed';
