-- The ledger of rewards: every revision, and what earned nothing. Neither names anybody but by our own hashed id, so that
-- an erasure leaves them as they are. version = broker time << 22 | low bits of the offset.

CREATE TABLE rewards_raw
(
    workspace_id           LowCardinality(String),
    reward_id              String,
    revision               UInt32,
    published_at           DateTime64(3, 'UTC'),
    program_id             String,
    partner_id             String,
    customer_id            String,
    kind                   LowCardinality(String),
    source_id              String,
    source_revision        UInt32,
    policy_version         DateTime64(3, 'UTC'),
    condition              Nullable(UInt32),
    gross                  Int64,
    amount                 Int64,
    delta                  Int64,
    currency               LowCardinality(String),
    status                 LowCardinality(String),
    reason                 LowCardinality(String),
    earned_at              DateTime64(3, 'UTC'),
    payable_at             DateTime64(3, 'UTC'),
    version                UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace_id, reward_id, revision);

CREATE TABLE reward_refusals_raw
(
    workspace_id           LowCardinality(String),
    customer_id            String,
    source_id              String,
    source_revision        UInt32,
    revision               UInt32,
    kind                   LowCardinality(String),
    program_id             String,
    partner_id             String,
    reason                 LowCardinality(String),
    timestamp              DateTime64(3, 'UTC'),
    version                UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace_id, customer_id, source_id);
