-- metadata: sinks of releases before wrote nothing where there was none.

CREATE VIEW sales DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * EXCEPT (version) REPLACE (if(metadata = '', '{}', metadata) AS metadata) FROM sales_raw FINAL
WHERE customer_id NOT IN (SELECT customer_id FROM erased_raw)
SETTINGS do_not_merge_across_partitions_select_final = 0;

ALTER TABLE sales
    MODIFY COMMENT 'One row per purchase of a customer who has a lead',
    COMMENT COLUMN timestamp 'When the customer paid',
    COMMENT COLUMN amount 'In minor units of the currency: add up one currency at a time',
    COMMENT COLUMN currency 'Its code in lower case',
    COMMENT COLUMN lead_id 'The lead that the purchase belongs to',
    COMMENT COLUMN partner_id 'Whom the link rewards',
    COMMENT COLUMN metadata 'A JSON object; {} when there is none',
    COMMENT COLUMN customer_external_id 'The id in the workspace''s own system';
