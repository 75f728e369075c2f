"""``leadstream audit``."""

from typing import Any

import click

from processors.cli.loading import load_settings
from processors.cli.parameters import PAST, WORKSPACE, PathType


@click.command()
@click.option("--workspace", type=WORKSPACE, metavar="ID", help="Audit this workspace only.")
@click.option(
    "--since", "since_ms", type=PAST, help="Only results that happened then or later: 2026-11-01, 7d."
)
@click.option("--no-clickhouse", is_flag=True, help="Audit the topics only.")
@click.option("--rewards", is_flag=True, help="Audit the ledger of rewards instead; its topics only.")
@click.option("--limit", type=click.IntRange(0), default=100, show_default=True, help="Name at most so many.")
@click.option("--apart", is_flag=True, help="Also name what is listed apart.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per difference, then the summary.")
@click.option(
    "--work-dir",
    type=PathType(file_okay=False, exists=True),
    help="Where to put what does not fit in memory: about as much as the topics hold.",
)
def audit(no_clickhouse: bool, rewards: bool, **chosen: Any) -> None:
    """Recompute every result from the events, and compare it with what was published and stored.

    Leads, sales and the status of customers are computed anew by the reference model, which shares no code
    with the workers, under the LEADSTREAM_ATTRIBUTION_* settings of this process, and held against the result
    topics (each revision once, without a gap, the newest as the events make it) and against ClickHouse's
    views. There each revision of a lead has to be, too, and each click, by time and by id, as the event says
    that counts. The system may run meanwhile. Memory stays bounded, whatever the topics hold.

    With --rewards it is the topics rewards and reward-refusals, held against leads, sales, reward-events and
    the policies: each revision once and without a gap, its deltas adding up, caps decided as their claims
    come, and every customer as the reference model has it. It keeps one partition in memory.

    \b
    Not everything can be decided; what cannot is counted apart, with the reason:
      beyond the input     retention has removed events that it may rest on
      not settled          not processed yet, or came while the audit read
      not stored yet       the sink has not come to it
      contested            the order of arrival may show (docs/rules.md), or
                           a clickId was used again after it was forgotten
      decided by the hold  something came about a hold too late: only the
                           worker knows whether it did
      erased               the customer was erased after it was published

    \b
    Examples:
      leadstream audit
      leadstream audit --workspace acme --since 7d
      leadstream audit --rewards
      leadstream audit --json --limit 1000000 | jq -c 'select(.difference)'

    Reads the topics at LEADSTREAM_KAFKA_BOOTSTRAP, the views at LEADSTREAM_CLICKHOUSE_URL. Changes nothing.

    Exit codes: 0 nothing differs, 1 something does, or there is no such workspace, 69 a server did not
    answer, 73 the work directory is full, 78 a topic or the database is missing.
    """
    settings = load_settings()
    if rewards:
        if extra := [name for name in ("since_ms", "apart", "work_dir") if chosen.pop(name)]:
            names = ", ".join(f"--{name.removesuffix('_ms').replace('_', '-')}" for name in extra)
            raise click.UsageError(f"--rewards and {names} contradict each other")
        from processors.cli.auditing import run_rewards_audit

        run_rewards_audit(settings, **{name: chosen[name] for name in ("workspace", "limit", "as_json")})
        return
    from processors.cli.auditing import run_audit

    run_audit(settings, clickhouse=not no_clickhouse, **chosen)
