-- What was said without a reason took back what was said before.

CREATE VIEW reward_refusals DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * EXCEPT (version) FROM reward_refusals_raw FINAL
WHERE reason != ''
SETTINGS do_not_merge_across_partitions_select_final = 0;

ALTER TABLE reward_refusals
    MODIFY COMMENT 'One row per lead, sale or event about rewards that earns nothing, or led to nothing',
    COMMENT COLUMN source_id 'The leadId or saleId, or the eventId',
    COMMENT COLUMN timestamp 'When it happened',
    COMMENT COLUMN customer_id 'Our own id of the customer';
