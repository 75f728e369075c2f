CREATE VIEW lead_revisions DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * EXCEPT (version) FROM lead_revisions_raw FINAL
WHERE customer_id NOT IN (SELECT customer_id FROM erased_raw)
SETTINGS do_not_merge_across_partitions_select_final = 0;

ALTER TABLE lead_revisions
    MODIFY COMMENT 'One row per revision of a lead, as it was published then',
    COMMENT COLUMN revision '1, and one more each time that a late event changed the lead',
    COMMENT COLUMN emitted_at 'When it was published',
    COMMENT COLUMN timestamp 'When the customer qualified, as it was known then',
    COMMENT COLUMN click_id 'The click that counted then',
    COMMENT COLUMN partner_id 'Whom it rewarded then';
