"""``leadstream replay``."""

import tempfile
from pathlib import Path
from typing import Any

import click

from processors.cli.lazy import Group
from processors.cli.loading import load_settings
from processors.cli.parameters import PAST, PathType
from processors.terminal.bars import Bar
from processors.terminal.lines import say


@click.group(cls=Group)
def replay() -> None:
    """Compute everything once more, beside the system that runs.

    `replay clickhouse` stores what the result topics hold once more, `replay state` computes state and
    results anew from the events, `replay rewards` the ledger of rewards from leads and sales. All go back as
    far as the topics do (LEADSTREAM_RETENTION).
    """


@replay.command()
@click.option("--into", metavar="DATABASE", help="Build this database instead of the one of the URL.")
def clickhouse(into: str | None) -> None:
    """Fill ClickHouse from the topics: from their beginnings to their ends of now, then stop.

    Creates the database and its tables when they are missing. May run beside the sinks, over whatever is
    stored, any number of times: rows collapse by id and the last revision wins, so what is there already does
    not change and what is missing comes back. Nothing is deleted. With --into the rows go into a database
    of their own; when it is complete, point the sinks and readers there.

    What retention has removed from the topics does not come back; the command says how much that is.

    \b
    Examples:
      leadstream replay clickhouse
      leadstream replay clickhouse --into leadstream_2

    Reads   clicks, leads, sales, customers, unmatched, dead-letters
    Writes  the tables at LEADSTREAM_CLICKHOUSE_URL, or those of DATABASE

    Exit codes: 0 done, 69 no broker or no ClickHouse, 78 a topic is missing, or another replay is running.
    """
    live = load_settings()
    from processors.clickhouse.migrations import bring_up_to_date
    from processors.kafka.running import run_on_kafka
    from processors.replaying.clickhouse import replay_clickhouse, sink_beside

    try:
        settings = sink_beside(live, into)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--into") from None
    for name in bring_up_to_date(settings):
        say(f"applied {name}")
    with Bar("storing", None, "records") as bar:
        stored = run_on_kafka(replay_clickhouse(settings, bar.expect, bar.advance))
    for line in stored.lines():
        say(line)


@replay.command()
@click.option(
    "--application-id",
    required=True,
    metavar="ID",
    help="Group and state of the replay; not the one of the live workers.",
)
@click.option(
    "--output-prefix", metavar="PREFIX", help="In front of its topics.  [default: the live one, ID, a dot]"
)
@click.option("--from", "since", type=PAST, help="Begin there: 2026-11-01, 7d.  [default: beginning]")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes.")
@click.option(
    "--work-dir",
    type=PathType(file_okay=False, exists=True),
    help="For local stores, logs and the comparison; removed afterwards.  [default: a temporary one]",
)
@click.option("--limit", type=click.IntRange(0), default=100, show_default=True, help="Name at most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per difference, then the summary.")
def state(
    application_id: str,
    output_prefix: str | None,
    since: int | None,
    workers: int,
    work_dir: Path | None,
    **shown: Any,
) -> None:
    """Compute all state and results anew from the events, and compare them with the live ones.

    Runs workers under another application id, which have tables and changelogs of their own and write
    touches, leads, sales, customers, unmatched and dead-letters behind a prefix of their own: nobody reads a
    lead twice. When they have caught up they stop, and everything is compared: with the reference model, and
    with what the live workers have published: same ids, same content. The topics stay. Interrupted, the same
    command goes on where it was.

    Where a hold decided (an event came more than LEADSTREAM_HOLD too late) a replay, to which all arrive at
    once, may find a lead that the live system has given up; such results are counted apart, as `leadstream
    audit` does it. With --from, so is what rests on earlier events.

    \b
    Examples:
      leadstream replay state --application-id worker-2
      leadstream replay state --application-id check-1 --from 7d --workers 4
    To go on with it instead of the old state (docs/operations.md):
      LEADSTREAM_APPLICATION_ID=worker-2 LEADSTREAM_OUTPUT_PREFIX=worker-2. leadstream worker

    Reads   clicks, deferred-leads, qualifications, purchases, erasures, and the live results
    Writes  the topics behind PREFIX and the changelogs of ID. A misplaced event is sent on once more.

    Exit codes: 0 same ids, same content; 1 something differs, 69 no broker, 78 the settings do not fit.
    """
    live = load_settings()
    from processors.replaying.state import beside
    from processors.stack.replaying import Replay, compute

    try:
        settings = beside(live, application_id, output_prefix)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    with (
        tempfile.TemporaryDirectory(prefix="leadstream-replay-", dir=work_dir) as directory,
        Bar("computing", None, "events") as bar,
    ):
        compute(Replay.of_state(settings), since, workers, Path(directory), bar)
    from processors.cli.auditing import run_audit

    run_audit(settings, live=live, begun_ms=since, clickhouse=False, work_dir=work_dir, **shown)


@replay.command()
@click.option(
    "--rewards-id",
    required=True,
    metavar="ID",
    help="Group and state of the replay; not the one of the live ledger.",
)
@click.option(
    "--rewards-prefix", metavar="PREFIX", help="In front of its topics.  [default: the live one, ID, a dot]"
)
@click.option(
    "--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="That compute it."
)
@click.option(
    "--work-dir",
    type=PathType(file_okay=False, exists=True),
    help="For local stores and logs; removed afterwards.  [default: a temporary one]",
)
@click.option("--limit", type=click.IntRange(0), default=100, show_default=True, help="Name at most so many.")
@click.option("--apart", is_flag=True, help="Also name what is listed apart.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per difference, then the summary.")
def rewards(
    rewards_id: str,
    rewards_prefix: str | None,
    processes: int,
    work_dir: Path | None,
    **shown: Any,
) -> None:
    """Compute the ledger of rewards anew from leads and sales, and compare it with the live one.

    Runs processes of rewards under another id, which have state and changelogs of their own and write
    rewards, refusals, claims, shares and dead letters behind a prefix of their own: nobody is paid twice.
    When they have caught up they stop, and the newest reward of every lead and sale is compared with the
    live one's: same ids, same content; of revisions and of what was taken back whole nothing is asked. The
    topics stay. Interrupted, the same command goes on where it was.

    \b
    What may rightly be another one is counted apart, by customer:
      caps, by arrival        the cap had room for others first
      has waited in vain      a policy, sale or reward came when the hold was
                              over; to a replay all arrive at once
      beyond the input        retention has removed its lead or sale
      more than is remembered which leads of so many count depends on arrival
      not settled             one of both has not processed everything yet

    \b
    Examples:
      leadstream replay rewards --rewards-id rewards-2
      leadstream replay rewards --rewards-id check-1 --processes 4 --apart
    To go on with it instead of the old ledger (docs/operations.md):
      LEADSTREAM_REWARDS_ID=rewards-2 LEADSTREAM_REWARDS_PREFIX=rewards-2. \\
      leadstream rewards run

    Reads   leads, sales, customers, reward-events, reward-policies, and the live ledger
    Writes  the topics behind PREFIX and the changelogs of ID. A misplaced event is sent on once more.

    Exit codes: 0 the same rewards, 1 something differs or nothing is settled, 69 no broker, 78 the settings
    do not fit.
    """
    live = load_settings()
    from processors.cli.auditing import run_ledger_comparison
    from processors.replaying.rewards import ledger_beside
    from processors.stack.replaying import Replay, compute

    try:
        settings = ledger_beside(live, rewards_id, rewards_prefix)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    with (
        tempfile.TemporaryDirectory(prefix="leadstream-replay-", dir=work_dir) as directory,
        Bar("computing", None, "records") as bar,
    ):
        compute(Replay.of_rewards(settings), None, processes, Path(directory), bar)
    run_ledger_comparison(live, settings, **shown)
