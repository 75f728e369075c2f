-- links: version = broker time << 22 | low bits of the offset. The last emission wins.

CREATE TABLE links_raw
(
    workspace_id           LowCardinality(String),
    link_id                String,
    domain                 LowCardinality(String),
    key                    String,
    short_link             String,
    url                    String,
    track_conversion       Bool,
    partner_id             String,
    program_id             String,
    tenant_id              String,
    link_external_id       String,
    created_at             DateTime64(3, 'UTC'),
    updated_at             DateTime64(3, 'UTC'),
    version                UInt64,
    is_deleted             UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (workspace_id, link_id)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE VIEW links AS SELECT * EXCEPT (version, is_deleted) FROM links_raw FINAL;
