"""``leadstream topics`` and ``leadstream acls``."""

from typing import Any

import click

from processors.cli.lazy import Group
from processors.cli.loading import load_settings
from processors.cli.parameters import Parsed
from processors.errors import CheckFailed
from processors.kafka.running import run_on_kafka
from processors.terminal.lines import say


@click.group(cls=Group)
def topics() -> None:
    """Create or check the Kafka topics.

    All topics of the system and the changelogs of the workers' tables, on LEADSTREAM_KAFKA_BOOTSTRAP, with
    LEADSTREAM_PARTITIONS, LEADSTREAM_REPLICATION and LEADSTREAM_RETENTION; LEADSTREAM_TOPIC_PREFIX goes in
    front of their names.
    """


@topics.command()
@click.option("--update", is_flag=True, help="Also change the configuration of topics that differ.")
def create(update: bool) -> None:
    """Create the topics that are missing.

    Topics that exist stay as they are, and what differs is reported; with --update their configuration is
    brought in line. Partitions and replicas are never changed: with another number of partitions every key
    would meet another worker's state. May be run any number of times.

    \b
    Examples:
      leadstream topics create
      LEADSTREAM_REPLICATION=3 LEADSTREAM_PARTITIONS=32 leadstream topics create
      LEADSTREAM_RETENTION=7d leadstream topics create --update

    Exit codes: 0 all topics are right, 1 some differ, 69 no broker, 78 the broker refuses the configuration.
    """
    settings = load_settings()
    from processors.kafka.topics import create_topics
    from processors.rewarding.run import layouts_of

    report = run_on_kafka(create_topics(settings, layouts_of(settings), update=update))
    for name in report.created:
        say(f"created {name}")
    for name in report.updated:
        say(f"updated {name}")
    if not report.created and not report.updated and not report.differences:
        say("all topics are there already")
    _report(report.differences)


@topics.command()
def check() -> None:
    """Say exactly how the topics differ from what they should be. Changes nothing.

    Exit codes: 0 all topics are right, 1 some differ (one line each), 69 no broker.
    """
    settings = load_settings()
    from processors.kafka.topics import check_topics
    from processors.rewarding.run import layouts_of

    differences = run_on_kafka(check_topics(settings, layouts_of(settings)))
    if not differences:
        say("all topics are right")
    _report(differences)


def _report(differences: list[Any]) -> None:
    for difference in differences:
        say(str(difference))
    if differences:
        from processors.kafka.topics import REMEDY

        count = len({one.topic for one in differences})
        raise CheckFailed(f"{count} topic{'s' if count > 1 else ''} not as they should be", REMEDY)


def _principal(text: str) -> str:
    kind, colon, name = text.replace("{role}", "").partition(":")
    if not colon or not kind or not (name or "{role}" in text) or set("{}") & set(kind + name):
        raise ValueError(f"{text!r} is none: write User:name, with {{role}} where the role's name goes")
    return text


@click.command()
@click.option(
    "--principal",
    type=Parsed("principal", _principal),
    default="User:leadstream-{role}",
    show_default=True,
    help="Who has a role.",
)
def acls(principal: str) -> None:
    """Print the commands that give worker, sink, sender and operator the least rights in Kafka.

    Reads the settings only. Exit codes: 0, or 78 when a setting is wrong.
    """
    from processors.stack.acls import lines

    for line in lines(load_settings(), principal):
        say(line)
