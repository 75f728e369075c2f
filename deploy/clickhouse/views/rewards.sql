CREATE VIEW rewards DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * EXCEPT (version, delta) FROM rewards_raw FINAL
ORDER BY workspace_id, reward_id, revision DESC
LIMIT 1 BY workspace_id, reward_id
SETTINGS do_not_merge_across_partitions_select_final = 0;

ALTER TABLE rewards
    MODIFY COMMENT 'One row per reward, as of its newest revision',
    COMMENT COLUMN published_at 'When this revision was published',
    COMMENT COLUMN source_id 'The leadId or saleId that it is for',
    COMMENT COLUMN policy_version 'Since when the version of the policy holds that decided',
    COMMENT COLUMN condition 'The number of the condition that decided; null: none',
    COMMENT COLUMN gross 'In minor units, before refunds and caps',
    COMMENT COLUMN amount 'In minor units of the currency: add up one currency at a time',
    COMMENT COLUMN currency 'Its code in lower case',
    COMMENT COLUMN status 'pending, payable, held or cancelled',
    COMMENT COLUMN reason 'Why it is not simply what was earned; empty: it is',
    COMMENT COLUMN earned_at 'When the lead or sale happened',
    COMMENT COLUMN customer_id 'Our own id of the customer';
