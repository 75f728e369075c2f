"""``leadstream dlq``."""

from typing import Any

import click

from processors.cli.lazy import Group
from processors.cli.loading import load_settings
from processors.cli.refusal_options import ID, filters, replay_options, selection
from processors.kafka.running import run_on_kafka
from processors.refusals.selection import Id, Selection
from schemas.reasons import DeadLetterReason
from schemas.topics import SPECS, Role, Topic

_filters = filters(
    DeadLetterReason,
    [one for one, spec in SPECS.items() if spec.role is not Role.REGISTRY and one != Topic.DEAD_LETTERS],
)


@click.group(cls=Group)
def dlq() -> None:
    """Look at dead letters, and send them back when they can be used.

    A dead letter is a record whose bytes could not be used: it lies in the topic dead-letters as it came,
    with the reason. Of a record that was replayed in vain, only its last attempt is shown.
    """


@dlq.command("list")
@_filters
@click.option("--limit", type=click.IntRange(0), help="The newest N; 50, with --json all.", metavar="N")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines, with keys and values.")
def list_(limit: int | None, as_json: bool, **chosen: Any) -> None:
    """List dead letters, the newest first, and how many there are of each reason.

    \b
    Examples:
      leadstream dlq list
      leadstream dlq list --reason schema_violation --workspace acme --since 24h
      leadstream dlq list --json | jq -r .detail | sort | uniq -c

    Reads the topic dead-letters. Exit codes: 0 done, 1 there is no such workspace, 69 no broker,
    78 the topic is missing.
    """
    from processors.cli.refusals import show_list
    from processors.refusals.dead_letters import dead_letters

    settings = load_settings()
    show_list(settings, dead_letters(settings.topics), selection(**chosen), limit, as_json=as_json)


@dlq.command()
@click.argument("dead_letter", type=ID)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--raw", is_flag=True, help="The value alone, byte for byte.")
def show(dead_letter: Id, as_json: bool, raw: bool) -> None:
    """Show one dead letter: its headers, key and value. Bytes that are no text are shown in hexadecimal.

    DEAD_LETTER is the id that `list` prints, and the column `position` in ClickHouse: partition:offset.

    \b
    Examples:
      leadstream dlq show 3:42
      leadstream dlq show --raw 3:42 > record.json

    Reads the topic dead-letters. Exit codes: 0 done, 1 there is no such dead letter, 69 no broker.
    """
    from processors.cli.refusals import show_one
    from processors.refusals.dead_letters import dead_letters

    if as_json and raw:
        raise click.UsageError("--json and --raw contradict each other")
    settings = load_settings()
    chosen = Selection(ids=frozenset({dead_letter}))
    run_on_kafka(show_one(settings, dead_letters(settings.topics), chosen, as_json=as_json, raw=raw))


@dlq.command()
@click.argument("ids", nargs=-1, type=ID, metavar="[ID]...")
@_filters
@replay_options
@click.option(
    "--max-attempts",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Leave alone what failed so often; an ID goes back all the same.",
)
def replay(
    ids: tuple[Id, ...], dry_run: bool, rate: int, max_attempts: int, yes: bool, as_json: bool, **chosen: Any
) -> None:
    """Send dead letters back to their topics: those with the IDs, or all that pass the filters.

    Without either it says how many that is, and how many of them would be read this time, and asks.

    Do this after deploying a worker that can read them. The value stays untouched, and an event without a
    time of its own keeps that of its record. What cannot be used this time either is a dead letter again, its
    attempt one higher; it does not count for LEADSTREAM_DEAD_LETTER_LIMIT. What is used is a dead letter no
    longer, here and in ClickHouse. Results (topics leads, sales, …) never go back.

    \b
    Examples:
      leadstream dlq replay --reason schema_violation --since 24h --dry-run
      leadstream dlq replay --reason schema_violation --since 24h --rate 200
      leadstream dlq replay 3:42 5:7

    Reads dead-letters, writes it and the topics named there. Exit codes: 0 done, 1 an ID or the
    workspace is not there, or the answer was no, 2 nobody to ask, 69 no broker, 78 a topic is missing.
    """
    from processors.cli import refusals
    from processors.refusals.dead_letters import dead_letters

    settings = load_settings()
    refusals.replay(
        settings,
        dead_letters(settings.topics),
        selection(**chosen, ids=ids),
        rate=rate,
        dry_run=dry_run,
        yes=yes,
        as_json=as_json,
        max_attempts=max_attempts,
    )
