-- An insert that was acknowledged must be there. ClickHouse notes the token of an insert (or the hash of its block)
-- before it puts the part in place. When it dies in between, the retry is taken for a duplicate and dropped, and yet
-- acknowledged. These tables collapse by id: a block that is stored twice shows once.

ALTER TABLE clicks_raw MODIFY SETTING non_replicated_deduplication_window = 0;
ALTER TABLE leads_raw MODIFY SETTING non_replicated_deduplication_window = 0;
ALTER TABLE sales_raw MODIFY SETTING non_replicated_deduplication_window = 0;
ALTER TABLE customers_raw MODIFY SETTING non_replicated_deduplication_window = 0;
ALTER TABLE unmatched_raw MODIFY SETTING non_replicated_deduplication_window = 0;
ALTER TABLE dead_letters_raw MODIFY SETTING non_replicated_deduplication_window = 0;
ALTER TABLE links_raw MODIFY SETTING non_replicated_deduplication_window = 0;
