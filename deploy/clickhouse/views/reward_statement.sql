-- SELECT * FROM reward_statement(workspace = 'acme', partner = 'pn_1', month = '2026-01'):
-- what was booked for a partner in a month of UTC: each revision that was published then. delta adds up to what the partner is
-- owed more, or less, at the end of it.

CREATE VIEW reward_statement DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH toDateTime64(concat({month:String}, '-01 00:00:00'), 3, 'UTC') AS first_moment
SELECT
    published_at, reward_id, revision, program_id, kind, source_id, customer_id, earned_at, delta, amount, currency, status,
    reason
FROM rewards_raw FINAL
WHERE workspace_id = {workspace:String} AND partner_id = {partner:String}
  AND published_at >= first_moment AND published_at < addMonths(first_moment, 1)
ORDER BY published_at, reward_id, revision
SETTINGS do_not_merge_across_partitions_select_final = 0;
