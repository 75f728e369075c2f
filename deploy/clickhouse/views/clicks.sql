-- Settings of whoever reads must not change what a view shows: with the one below switched on, a click whose two
-- events lie in different partitions is shown twice.

CREATE VIEW clicks DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * EXCEPT (version, content_hash) FROM clicks_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 0;

ALTER TABLE clicks
    MODIFY COMMENT 'One row per clickId, the earliest; clicks of bots are not among them';
