-- Clicks by the time at which they happened, for questions about a time: what is read is the clicks of that time, and not
-- all that a workspace ever had. In clicks_raw, which stays for whoever knows a clickId, one day is everywhere.
--
-- The view writes whatever is inserted into clicks_raw, also by sinks of the release before. A server that dies between
-- the two has not acknowledged the insert, and the sink repeats it. A successor of clicks_raw needs a view of its own.
--
-- By time, two events of one click do not meet. Of those that do not count each gets a row of the same key that is deleted
-- and wins (processors/sink/lost_clicks.py). The keys are content: content_hash of clicks_raw. Rows of one key differ only in
-- what no lead keeps, and of them the one counts that counts in clicks_raw. version = the last 20 bits of the version
-- there; 1 << 20 for a deleted one.
--
-- The time is in the key, so that two rows of one key lie in one month, and a month that is past and merged is read
-- without comparing rows. That is so after a day in which nothing was added to it. What happened before 2025 is one
-- partition: a producer writes any time from the year 2000 on, and an insert may fill no more than a hundred of them.

CREATE TABLE clicks_by_time_raw
(
    workspace_id           LowCardinality(String),
    timestamp              DateTime64(3, 'UTC'),
    click_id               String,
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
    content                UInt64,
    version                UInt32,
    is_deleted             UInt8,
    INDEX by_click_id click_id TYPE bloom_filter GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY greatest(toYYYYMM(timestamp), 202412)
ORDER BY (workspace_id, timestamp, click_id, content)
SETTINGS min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1;

CREATE MATERIALIZED VIEW clicks_to_clicks_by_time TO clicks_by_time_raw
DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * EXCEPT (content_hash, version), content_hash AS content, toUInt32(bitAnd(version, 1048575)) AS version,
    0 AS is_deleted
FROM clicks_raw;

INSERT INTO clicks_by_time_raw
(
    workspace_id, timestamp, click_id, event_id, link_id, partner_id, program_id, tenant_id, link_external_id, domain, key,
    url, track_conversion, continent, country, region, city, latitude, longitude, device, browser, os, ua, referer,
    referer_url, ip, trigger, qr, content, version, is_deleted
)
SELECT workspace_id, timestamp, click_id, event_id, link_id, partner_id, program_id, tenant_id, link_external_id, domain, key,
    url, track_conversion, continent, country, region, city, latitude, longitude, device, browser, os, ua, referer,
    referer_url, ip, trigger, qr, content_hash, toUInt32(bitAnd(version, 1048575)), 0
FROM clicks_raw FINAL;
