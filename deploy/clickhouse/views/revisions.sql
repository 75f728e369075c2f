-- SELECT * FROM revisions(workspace = 'acme', start = '2026-01-01', end = '2026-02-01', timezone = 'Europe/Berlin'):
-- what late events have changed in leads that had been published, by the time of that change, the latest first.
--
-- changed: what differs from the revision before: its click, link, partner, program, time, event or quantity; all of
-- before is there as …_before. late_by: seconds between the lead's own time and this publishing.

CREATE VIEW revisions DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
$window
SELECT
    emitted_at, lead_id, revision, event_name, customer_external_id,
    arrayFilter((name, differs) -> differs,
        ['click', 'link', 'partner', 'program', 'time', 'event', 'quantity'],
        [
            click_id != click_id_before, link_id != link_id_before, partner_id != partner_id_before,
            program_id != program_id_before, timestamp != timestamp_before, event_id != event_id_before,
            quantity != quantity_before
        ]
    ) AS changed,
    partner_id_before, partner_id, click_id_before, click_id, link_id_before, link_id,
    timestamp_before, timestamp, quantity_before, quantity,
    dateDiff('second', timestamp, emitted_at) AS late_by
FROM
(
    SELECT
        *,
        lagInFrame(click_id) OVER before AS click_id_before,
        lagInFrame(link_id) OVER before AS link_id_before,
        lagInFrame(partner_id) OVER before AS partner_id_before,
        lagInFrame(program_id) OVER before AS program_id_before,
        lagInFrame(timestamp) OVER before AS timestamp_before,
        lagInFrame(event_id) OVER before AS event_id_before,
        lagInFrame(quantity) OVER before AS quantity_before,
        lagInFrame(revision) OVER before AS revision_before
    FROM lead_revisions
    WHERE workspace_id = {workspace:String} AND lead_id IN
    (
        SELECT lead_id FROM lead_revisions
        WHERE workspace_id = {workspace:String} AND emitted_at >= from_time AND emitted_at < to_time AND revision > 1
    )
    WINDOW before AS (PARTITION BY lead_id ORDER BY revision ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
-- Of what was published before the table was there, the one before may be missing.
WHERE emitted_at >= from_time AND emitted_at < to_time AND revision_before > 0
ORDER BY emitted_at DESC, lead_id, revision DESC;
