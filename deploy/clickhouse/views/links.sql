CREATE VIEW links DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * EXCEPT (version, is_deleted) FROM links_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 0;
