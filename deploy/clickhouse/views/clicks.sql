CREATE VIEW clicks DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * EXCEPT (content, version, is_deleted) FROM clicks_by_time_raw FINAL;

ALTER TABLE clicks
    MODIFY COMMENT 'One row per clickId, the earliest; clicks of bots are not among them';
