"""``leadstream acls``."""

import click

from processors.cli.loading import load_settings
from processors.cli.terminal import say


@click.command()
@click.option("--principal", default="User:leadstream-{role}", show_default=True, help="Who has a role.")
def acls(principal: str) -> None:
    """Print the commands that give worker, sink, sender and operator the least rights in Kafka.

    Reads the settings only. Exit codes: 0, or 78 when a setting is wrong.
    """
    from processors.stack.acls import lines

    for line in lines(load_settings(), principal):
        say(line)
