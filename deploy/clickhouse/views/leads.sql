-- metadata: sinks of releases before wrote nothing where there was none.

CREATE VIEW leads DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * EXCEPT (version) REPLACE (if(metadata = '', '{}', metadata) AS metadata) FROM leads_raw FINAL
WHERE customer_id NOT IN (SELECT customer_id FROM erased_raw)
SETTINGS do_not_merge_across_partitions_select_final = 0;

ALTER TABLE leads
    MODIFY COMMENT 'One row per customer and event name: who qualified, and whose link brought them',
    COMMENT COLUMN timestamp 'When the customer qualified',
    COMMENT COLUMN deferred_at 'When the customer signed up through the click',
    COMMENT COLUMN click_timestamp 'When the link was clicked',
    COMMENT COLUMN click_id 'The click that counts',
    COMMENT COLUMN revision 'Grows when a late event changes the lead',
    COMMENT COLUMN quantity 'For how many leads it counts',
    COMMENT COLUMN partner_id 'Whom the link rewards',
    COMMENT COLUMN metadata 'A JSON object; {} when there is none',
    COMMENT COLUMN customer_external_id 'The id in the workspace''s own system';
