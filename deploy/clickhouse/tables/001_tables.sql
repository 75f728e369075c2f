-- What the sink writes. Readers use the views of 002, never these tables.
--
-- Every table collapses by its sort key to the row with the greatest version, so that whatever is written
-- twice counts once. Sort keys come from the content of an event, never from when it was stored. An absent
-- text is ''.

-- leads, sales, customers: version = broker time << 22 | low bits of the offset. The last emission wins.

CREATE TABLE leads_raw
(
    workspace_id           LowCardinality(String),
    lead_id                String,
    revision               UInt32,
    timestamp              DateTime64(3, 'UTC') COMMENT 'When the customer qualified',
    deferred_at            DateTime64(3, 'UTC') COMMENT 'When the customer signed up through the click',
    event_name             LowCardinality(String),
    quantity               UInt16,
    event_id               String,
    attribution_model      LowCardinality(String),
    metadata               String COMMENT 'JSON, or empty',
    customer_id            String,
    customer_external_id   String COMMENT 'The id in the workspace''s own system',
    customer_name          String,
    customer_email         String,
    customer_avatar        String,
    customer_first_seen_at DateTime64(3, 'UTC'),
    click_id               String COMMENT 'The click that counts',
    click_timestamp        DateTime64(3, 'UTC'),
    link_id                String,
    partner_id             String COMMENT 'Whom the link rewards',
    program_id             String,
    tenant_id              String,
    link_external_id       String,
    domain                 LowCardinality(String),
    key                    String,
    short_link             String,
    url                    String,
    continent              LowCardinality(String),
    country                LowCardinality(String),
    region                 LowCardinality(String),
    city                   LowCardinality(String),
    device                 LowCardinality(String),
    browser                LowCardinality(String),
    os                     LowCardinality(String),
    referer                String,
    referer_url            String,
    trigger                LowCardinality(String),
    qr                     Bool,
    version                UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace_id, lead_id)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE sales_raw
(
    workspace_id           LowCardinality(String),
    sale_id                String,
    lead_id                String,
    revision               UInt32,
    timestamp              DateTime64(3, 'UTC') COMMENT 'When the customer paid',
    deferred_at            DateTime64(3, 'UTC'),
    event_name             LowCardinality(String),
    lead_event_name        LowCardinality(String),
    quantity               UInt16,
    amount                 Int64 COMMENT 'In minor units of the currency',
    currency               LowCardinality(String),
    invoice_id             String,
    payment_processor      LowCardinality(String),
    event_id               String,
    attribution_model      LowCardinality(String),
    metadata               String COMMENT 'JSON, or empty',
    customer_id            String,
    customer_external_id   String COMMENT 'The id in the workspace''s own system',
    customer_name          String,
    customer_email         String,
    customer_avatar        String,
    customer_first_seen_at DateTime64(3, 'UTC'),
    click_id               String COMMENT 'The click that counts',
    click_timestamp        DateTime64(3, 'UTC'),
    link_id                String,
    partner_id             String COMMENT 'Whom the link rewards',
    program_id             String,
    tenant_id              String,
    link_external_id       String,
    domain                 LowCardinality(String),
    key                    String,
    short_link             String,
    url                    String,
    continent              LowCardinality(String),
    country                LowCardinality(String),
    region                 LowCardinality(String),
    city                   LowCardinality(String),
    device                 LowCardinality(String),
    browser                LowCardinality(String),
    os                     LowCardinality(String),
    referer                String,
    referer_url            String,
    trigger                LowCardinality(String),
    qr                     Bool,
    version                UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace_id, sale_id)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE customers_raw
(
    workspace_id           LowCardinality(String),
    status                 LowCardinality(String) COMMENT 'pending or qualified',
    deferred_at            DateTime64(3, 'UTC'),
    qualified_at           Nullable(DateTime64(3, 'UTC')),
    leads                  UInt32,
    sales                  UInt32,
    attribution_model      LowCardinality(String),
    customer_id            String,
    customer_external_id   String COMMENT 'The id in the workspace''s own system',
    customer_name          String,
    customer_email         String,
    customer_avatar        String,
    customer_first_seen_at DateTime64(3, 'UTC'),
    click_id               String COMMENT 'The click that counts',
    click_timestamp        DateTime64(3, 'UTC'),
    link_id                String,
    partner_id             String COMMENT 'Whom the link rewards',
    program_id             String,
    tenant_id              String,
    link_external_id       String,
    domain                 LowCardinality(String),
    key                    String,
    short_link             String,
    url                    String,
    continent              LowCardinality(String),
    country                LowCardinality(String),
    region                 LowCardinality(String),
    city                   LowCardinality(String),
    device                 LowCardinality(String),
    browser                LowCardinality(String),
    os                     LowCardinality(String),
    referer                String,
    referer_url            String,
    trigger                LowCardinality(String),
    qr                     Bool,
    version                UInt64,
    is_deleted             UInt8 COMMENT 'The customer was erased'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (workspace_id, customer_external_id)
SETTINGS non_replicated_deduplication_window = 1000;

-- A clickId names one click: the earliest counts, whatever the order in which they came.
-- version = inverted timestamp << 20 | bits of the content. Two events of one click may lie in different
-- partitions: do_not_merge_across_partitions_select_final must stay off.

CREATE TABLE clicks_raw
(
    workspace_id           LowCardinality(String),
    click_id               String,
    timestamp              DateTime64(3, 'UTC'),
    event_id               String,
    link_id                String,
    partner_id             String,
    program_id             String,
    tenant_id              String,
    link_external_id       String,
    domain                 LowCardinality(String),
    key                    String,
    url                    String,
    track_conversion       Bool,
    continent              LowCardinality(String),
    country                LowCardinality(String),
    region                 LowCardinality(String),
    city                   LowCardinality(String),
    latitude               String,
    longitude              String,
    device                 LowCardinality(String),
    browser                LowCardinality(String),
    os                     LowCardinality(String),
    ua                     String,
    referer                String,
    referer_url            String,
    ip                     String,
    trigger                LowCardinality(String),
    qr                     Bool,
    version                UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(timestamp)
ORDER BY (workspace_id, click_id)
SETTINGS non_replicated_deduplication_window = 1000;

-- unmatched, dead_letters: one row per event, however often it comes back; the first emission stays.
-- version = inverted broker time << 22 | inverted low bits of the offset.

CREATE TABLE unmatched_raw
(
    workspace_id           LowCardinality(String),
    unmatched_id           String COMMENT 'Hash of the event',
    reason                 LowCardinality(String),
    detail                 String,
    customer_external_id   String,
    click_id               String,
    event_name             String,
    timestamp              DateTime64(3, 'UTC') COMMENT 'When it happened',
    event                  String COMMENT 'The event as it came',
    source_topic           LowCardinality(String),
    source_partition       UInt32,
    source_offset          UInt64,
    source_timestamp       DateTime64(3, 'UTC'),
    version                UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace_id, unmatched_id)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE dead_letters_raw
(
    dead_letter_id         String COMMENT 'Hash of the record',
    workspace_id           LowCardinality(String) COMMENT 'As far as it can be read',
    reason                 LowCardinality(String),
    detail                 String,
    key                    String COMMENT 'The bytes as they came',
    value                  String COMMENT 'The bytes as they came',
    attempt                UInt32,
    source_topic           LowCardinality(String),
    source_partition       UInt32,
    source_offset          UInt64,
    source_timestamp       DateTime64(3, 'UTC'),
    version                UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY dead_letter_id
SETTINGS non_replicated_deduplication_window = 1000;
