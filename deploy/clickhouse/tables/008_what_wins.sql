-- What wins is for the table to say, by what the row holds, and not for the sink that writes it: sinks of the release
-- before may write beside those of this one.
--
-- A table whose name ends in _next takes the place of the one without, with all its rows, while sinks go on inserting
-- (processors/exchange.py).

-- leads, sales: the greatest revision wins, and only among equal ones the later emission. The broker's time does not
-- decide: after a change of leaders, or when a clock is set back, a later revision may bear the earlier one.

CREATE TABLE leads_raw_next
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
    version                UInt64,
    precedence             UInt128
        MATERIALIZED bitOr(bitShiftLeft(toUInt128(revision), 64), toUInt128(version))
)
ENGINE = ReplacingMergeTree(precedence)
ORDER BY (workspace_id, lead_id);

CREATE TABLE sales_raw_next
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
    version                UInt64,
    precedence             UInt128
        MATERIALIZED bitOr(bitShiftLeft(toUInt128(revision), 64), toUInt128(version))
)
ENGINE = ReplacingMergeTree(precedence)
ORDER BY (workspace_id, sale_id);

-- A clickId names one click: the earliest counts; of several in one millisecond that with the greatest hash of what a
-- lead keeps of it, as for the workers (schemas/clicks.py). version = inverted timestamp << 20 | bits of the record.
-- No partitions: a producer writes any time from the year 2000 on, and an insert may fill no more than a hundred of
-- them. FINAL has to look into all of them anyway, because two events of one click may lie in different ones.

CREATE TABLE clicks_raw_next
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
    content_hash           UInt64 COMMENT 'Of what a lead keeps of the click; 0 in rows of releases that did not know it',
    version                UInt64,
    precedence             UInt128
        MATERIALIZED bitOr(
            bitShiftLeft(toUInt128(bitShiftRight(version, 20)), 84),
            bitOr(bitShiftLeft(toUInt128(content_hash), 20), toUInt128(bitAnd(version, 1048575)))
        )
)
ENGINE = ReplacingMergeTree(precedence)
ORDER BY (workspace_id, click_id);
