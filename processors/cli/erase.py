"""``leadstream erase``."""

import click

from processors.cli.loading import load_settings
from processors.cli.parameters import person_of
from processors.printable import printable
from processors.terminal.lines import say


@click.command()
@click.argument("workspace")
@click.argument("customer")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--no-wait", is_flag=True, help="Send the erasure, and leave the rest to workers and sink.")
@click.option(
    "--timeout",
    type=click.IntRange(1),
    default=120,
    show_default=True,
    help="Seconds to wait until it is done.",
)
def erase(workspace: str, customer: str, yes: bool, no_wait: bool, timeout: int) -> None:
    """Forget CUSTOMER of WORKSPACE everywhere, for ever. This cannot be undone.

    Sends an erasure. The workers forget every fact of the person, also lead events that wait for their click,
    and delete the customer; ClickHouse hides and deletes every row. Events of the person that come later, or
    again, are refused as suppressed. Waits until workers and ClickHouse show that it is done.

    What the person did lies in the Kafka topics until LEADSTREAM_RETENTION is over, and the id itself stays:
    by it later events are known (docs/operations.md). May be run again at any time.

    \b
    Examples:
      leadstream erase acme u1
      leadstream erase acme u1 --yes --no-wait

    Writes to the topic erasures.

    Exit codes: 0 done, 1 not done in time (it will be, once workers and sink run), 69 no broker or no
    ClickHouse, 78 a setting is wrong, 130 interrupted.
    """
    settings = load_settings()
    from processors.kafka.running import run_on_kafka
    from processors.people.erasing import Erasing
    from processors.people.telling import forgotten_lines
    from processors.terminal.steps import Steps

    who = person_of(workspace, customer)
    erasing = Erasing(settings, who)
    before = {} if no_wait else erasing.stored()
    if not yes:
        click.confirm(printable(f"Forget {who} for ever?"), abort=True, err=True)
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
    for line in forgotten_lines(who, before, settings.retention):
        say(line)
