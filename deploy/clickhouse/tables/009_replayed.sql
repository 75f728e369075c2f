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
