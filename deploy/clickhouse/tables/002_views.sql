-- What analysts read: each lead, sale, customer, click once. An absent text is ''; times are UTC.

CREATE VIEW leads AS SELECT * EXCEPT (version) FROM leads_raw FINAL;

CREATE VIEW sales AS SELECT * EXCEPT (version) FROM sales_raw FINAL;

CREATE VIEW customers AS SELECT * EXCEPT (version, is_deleted) FROM customers_raw FINAL;

CREATE VIEW clicks AS SELECT * EXCEPT (version) FROM clicks_raw FINAL;

CREATE VIEW unmatched AS SELECT * EXCEPT (version) FROM unmatched_raw FINAL;

CREATE VIEW dead_letters AS
SELECT * EXCEPT (version), toValidUTF8(left(value, 500)) AS preview FROM dead_letters_raw FINAL;

-- A view does not inherit the comments of its table's columns.

ALTER TABLE leads
    MODIFY COMMENT 'One row per customer and event name: who qualified, and whose link brought them',
    COMMENT COLUMN timestamp 'When the customer qualified',
    COMMENT COLUMN deferred_at 'When the customer signed up through the click',
    COMMENT COLUMN click_timestamp 'When the link was clicked',
    COMMENT COLUMN click_id 'The click that counts',
    COMMENT COLUMN revision 'Grows when a late event changes the lead',
    COMMENT COLUMN partner_id 'Whom the link rewards',
    COMMENT COLUMN metadata 'JSON, or empty',
    COMMENT COLUMN customer_external_id 'The id in the workspace''s own system';

ALTER TABLE sales
    MODIFY COMMENT 'One row per purchase of a customer who has a lead',
    COMMENT COLUMN timestamp 'When the customer paid',
    COMMENT COLUMN amount 'In minor units of the currency',
    COMMENT COLUMN lead_id 'The newest lead at or before the purchase, or the one it named',
    COMMENT COLUMN partner_id 'Whom the link rewards',
    COMMENT COLUMN metadata 'JSON, or empty',
    COMMENT COLUMN customer_external_id 'The id in the workspace''s own system';

ALTER TABLE customers
    MODIFY COMMENT 'One row per customer who touched a link; erased customers are gone',
    COMMENT COLUMN status 'pending or qualified',
    COMMENT COLUMN qualified_at 'Time of the earliest lead; null while pending',
    COMMENT COLUMN customer_external_id 'The id in the workspace''s own system';

ALTER TABLE clicks
    MODIFY COMMENT 'One row per clickId, the earliest; clicks of bots are not among them';

ALTER TABLE unmatched
    MODIFY COMMENT 'One row per valid event that led to nothing, as it was first reported',
    COMMENT COLUMN timestamp 'When it happened',
    COMMENT COLUMN event 'The event as it came; null when its customer was erased';

ALTER TABLE dead_letters
    MODIFY COMMENT 'One row per record that could not be used, as it was first reported',
    COMMENT COLUMN workspace_id 'As far as it can be read',
    COMMENT COLUMN value 'The bytes as they came',
    COMMENT COLUMN preview 'The beginning of the value, readable';
