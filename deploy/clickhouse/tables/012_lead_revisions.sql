-- Every emission of a lead: what it said each time, and when it was said. leads_raw keeps the newest.
--
-- The view writes whatever is inserted into leads_raw, also by sinks of the release before. A server that dies between
-- the two has not acknowledged the insert, and the sink repeats it. A successor of leads_raw needs a view of its own.
-- version = broker time << 22 | low bits of the offset.

CREATE TABLE lead_revisions_raw
(
    workspace_id           LowCardinality(String),
    lead_id                String,
    revision               UInt32,
    emitted_at             DateTime64(3, 'UTC'),
    timestamp              DateTime64(3, 'UTC'),
    deferred_at            DateTime64(3, 'UTC'),
    event_name             LowCardinality(String),
    event_id               String,
    quantity               UInt16,
    customer_id            String,
    customer_external_id   String,
    click_id               String,
    click_timestamp        DateTime64(3, 'UTC'),
    link_id                String,
    partner_id             String,
    program_id             String,
    version                UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace_id, lead_id, revision);

CREATE MATERIALIZED VIEW leads_to_lead_revisions TO lead_revisions_raw
DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT workspace_id, lead_id, revision,
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(version, 22)), 'UTC') AS emitted_at,
    timestamp, deferred_at, event_name, event_id, quantity, customer_id, customer_external_id, click_id,
    click_timestamp, link_id, partner_id, program_id, version
FROM leads_raw;

-- What was emitted before: the newest of each lead. `leadstream replay clickhouse` adds those that the topic still has.

INSERT INTO lead_revisions_raw
SELECT workspace_id, lead_id, revision, fromUnixTimestamp64Milli(toInt64(bitShiftRight(version, 22)), 'UTC'),
    timestamp, deferred_at, event_name, event_id, quantity, customer_id, customer_external_id, click_id,
    click_timestamp, link_id, partner_id, program_id, version
FROM leads_raw;
