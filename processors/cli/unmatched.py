"""``leadstream unmatched``."""

from typing import Any

import click

from processors.cli.lazy import Group
from processors.cli.loading import load_settings
from processors.cli.refusal_options import ID, filters, replay_options, selection
from processors.refusals.selection import Id
from schemas.reasons import UnmatchedReason
from schemas.topics import EVENT_TOPICS

_filters = filters(UnmatchedReason, EVENT_TOPICS)


@click.group(cls=Group)
def unmatched() -> None:
    """Look at events that led to nothing, and send them once more.

    An unmatched event is valid, but what it needed was not there in time: a click, a deferred lead, a lead.
    It lies in the topic unmatched with the reason. Of several reports of one event only the last is shown,
    and not even that when the event was sent once more since then: it waits, or has led to something.
    """


@unmatched.command("list")
@_filters
@click.option("--limit", type=click.IntRange(0), help="The newest N; 50, with --json all.", metavar="N")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines, with the events.")
def list_(limit: int | None, as_json: bool, **chosen: Any) -> None:
    """List unmatched events, the newest first, and how many there are of each reason.

    \b
    Examples:
      leadstream unmatched list
      leadstream unmatched list --reason click_not_found --workspace acme --since 7d
      leadstream unmatched list --json | jq .event

    Reads the topic unmatched. Exit codes: 0 done, 1 there is no such workspace, 69 no broker,
    78 the topic is missing.
    """
    from processors.cli.refusals import show_list
    from processors.refusals.unmatched import unmatched_events

    settings = load_settings()
    show_list(settings, unmatched_events(settings.topics), selection(**chosen), limit, as_json=as_json)


@unmatched.command()
@click.argument("ids", nargs=-1, type=ID, metavar="[ID]...")
@_filters
@replay_options
def replay(ids: tuple[Id, ...], dry_run: bool, rate: int, yes: bool, as_json: bool, **chosen: Any) -> None:
    """Send unmatched events once more: those with the IDs, or all that pass the filters.

    Without either it says how many that is, and how many of them would be read this time, and asks.

    Do this when what they needed has come after all, or after LEADSTREAM_ATTRIBUTION_WINDOW has grown. Each
    goes as it came to the topic and key where it belongs, at the time of its first record, and is held for
    LEADSTREAM_HOLD again. From then on it is a loss no longer, here and in ClickHouse; what leads to nothing
    again is reported again, and is one again. What has led to a lead since changes nothing.

    \b
    Examples:
      leadstream unmatched replay --reason click_not_found --since 7d --dry-run
      leadstream unmatched replay --reason click_not_found --since 7d --rate 200
      leadstream unmatched replay 3:42

    Reads unmatched, writes it and the topics of events. Exit codes: 0 done, 1 an ID or the
    workspace is not there, or the answer was no, 2 nobody to ask, 69 no broker, 78 a topic is missing.
    """
    from processors.cli import refusals
    from processors.refusals.unmatched import unmatched_events

    settings = load_settings()
    kind, wanted = unmatched_events(settings.topics), selection(**chosen, ids=ids)
    refusals.replay(settings, kind, wanted, rate=rate, dry_run=dry_run, yes=yes, as_json=as_json)
