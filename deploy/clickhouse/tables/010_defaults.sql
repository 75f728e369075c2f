-- What is absent means what it means in an event. New rows name all of their columns; these defaults are for whoever
-- adds rows by hand.

ALTER TABLE leads_raw
    MODIFY COLUMN quantity DEFAULT 1,
    MODIFY COLUMN metadata DEFAULT '{}' COMMENT 'A JSON object; {} or empty when there is none';

ALTER TABLE sales_raw
    MODIFY COLUMN quantity DEFAULT 1,
    MODIFY COLUMN currency DEFAULT 'usd',
    MODIFY COLUMN metadata DEFAULT '{}' COMMENT 'A JSON object; {} or empty when there is none';

-- Releases before stored metadata that ClickHouse itself cannot read: a path that is there twice, a number that is none
-- of its own. It is kept as a text, so that metadata::JSON works for every row.

ALTER TABLE leads_raw
    UPDATE metadata = concat('{"unreadable":', toJSONString(metadata), '}')
    WHERE metadata != '' AND isNull(accurateCastOrNull(metadata, 'JSON'));

ALTER TABLE sales_raw
    UPDATE metadata = concat('{"unreadable":', toJSONString(metadata), '}')
    WHERE metadata != '' AND isNull(accurateCastOrNull(metadata, 'JSON'));
