"""``leadstream erase``."""

from typing import TYPE_CHECKING

import click

from processors.cli.loading import load_settings
from processors.cli.parameters import person_of
from processors.errors import CheckFailed
from processors.terminal.asking import confirm, confirm_by_typing
from processors.terminal.bars import Bar
from processors.terminal.lines import say

if TYPE_CHECKING:
    from processors.people.holdings import Holdings
    from processors.settings import Settings


@click.command()
@click.argument("workspace")
@click.argument("customer")
@click.option("--yes", "-y", is_flag=True, help="Do not ask; refuses a person of whom nothing is held.")
@click.option("--unknown-too", is_flag=True, help="With --yes: also a person of whom nothing is held.")
@click.option("--no-wait", is_flag=True, help="Send the erasure, and leave the rest to workers and sink.")
@click.option(
    "--timeout",
    type=click.IntRange(1),
    default=120,
    show_default=True,
    help="Seconds to wait until it is done.",
)
def erase(workspace: str, customer: str, yes: bool, unknown_too: bool, no_wait: bool, timeout: int) -> None:
    """Forget CUSTOMER of WORKSPACE everywhere, for ever. This cannot be undone.

    Shows first how much is held of the person, and asks. Then sends an erasure. The workers forget every fact
    of the person, also lead events that wait for their click, and delete the customer; ClickHouse hides and
    deletes every row. Events of the person that come later, or again, are refused as suppressed. Waits until
    workers and ClickHouse show that it is done.

    Where nothing is held, the id is misspelt more often than not, and whoever has it one day would be refused
    for ever: then the id has to be typed once more, or --unknown-too to be said with --yes.

    What the person did lies in the Kafka topics until LEADSTREAM_RETENTION is over, and the id itself stays:
    by it later events are known (docs/operations.md). May be run again at any time.

    \b
    Examples:
      leadstream erase acme u1
      leadstream erase acme u1 --yes --no-wait
      leadstream erase acme u1 --yes --unknown-too

    Reads the workers' changelog and ClickHouse, writes to the topic erasures.

    Exit codes: 0 done, 1 not done in time (it will be, once workers and sink run), or nothing was sent:
    nothing is held of the person, there is no such workspace, or the answer was no; 2 nobody to ask, 69 no
    broker or no ClickHouse, 78 a setting is wrong, 130 interrupted.
    """
    settings = load_settings()
    from processors.kafka.running import run_on_kafka
    from processors.people.erasing import Erasing
    from processors.people.telling import forgotten_lines
    from processors.terminal.steps import Steps

    who = person_of(workspace, customer)
    erasing = Erasing(settings, who)
    with Bar("reading the workers' state", None, "records") as bar:
        found = erasing.look(bar.reach, waits=not no_wait)
    for note in found.notes:
        say(f"note: {note}", err=True)
    for line in found.lines():
        say(line)
    if not found.known:
        _insist(settings, found, yes=yes, unknown_too=unknown_too)
    elif not yes:
        confirm(f"Forget {who} for ever?", "--yes")
    run_on_kafka(erasing.send())
    say("erasure sent")
    if no_wait:
        say("workers and sink do the rest; without --no-wait this command shows that they have")
        return
    steps = Steps()
    try:
        run_on_kafka(erasing.wait(timeout, steps))
    finally:
        steps.rest()
    for line in forgotten_lines(who, found.clickhouse or {}, settings.retention):
        say(line)


def _insist(settings: "Settings", found: "Holdings", *, yes: bool, unknown_too: bool) -> None:
    """Of somebody of whom nothing is held. Raises ``CheckFailed``."""
    from processors.workspaces import require_workspace

    who = found.person
    if not unknown_too:
        require_workspace(settings, who.workspace_id)
    if yes and not unknown_too:
        raise CheckFailed(
            f"nothing is held of {who}, and nothing was sent",
            f"{found.remedy} With --unknown-too its events are refused from now on all the same.",
        )
    if not yes:
        say(f"Nothing is held of {who}, so there is nothing to forget. {found.remedy}", err=True)
        confirm_by_typing(
            "To have all events of that id refused for ever, should there be any, type it once more",
            who.external_id,
            "--yes --unknown-too",
        )
