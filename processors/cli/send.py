"""``leadstream send``."""

from typing import IO

import click

from processors.cli.loading import load_settings
from processors.errors import CheckFailed
from processors.terminal.bars import Bar
from processors.terminal.lines import say


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Validate only: send nothing, need no Kafka.")
def send(file: IO[bytes], dry_run: bool) -> None:
    """Send events from FILE, or from standard input when FILE is -.

    FILE holds JSON Lines: one event per line, its "type" being click, lead, purchase or erasure. Each line is
    checked as the worker would check it, and goes as it is to the topic and partition where it belongs. Lines
    that are no events are named on stderr with field and rule; the others are sent all the same. Blank lines
    are skipped. An event that is sent twice counts once. Two purchases of one customer with equal content are
    one event unless invoiceId, eventId or timestamp tells them apart.

    \b
    Examples:
      leadstream send events.jsonl
      leadstream send --dry-run events.jsonl
      tail -f app.log | jq -c --unbuffered .event | leadstream send -
      echo '{"type":"click","workspaceId":"acme","clickId":"c1"}' | leadstream send -

    Writes to Kafka at LEADSTREAM_KAFKA_BOOTSTRAP; every event is acknowledged by all replicas in sync.

    Exit codes: 0 all lines were sent, 1 some were refused, 69 no broker, 78 a topic is missing.
    """
    settings = load_settings()
    from processors.kafka.feeding import Feed
    from processors.kafka.lines import size_of
    from processors.kafka.running import run_on_kafka

    bar = Bar("checking" if dry_run else "sending", size_of(file), "bytes")
    run = Feed(getattr(file, "raw", file), bar)
    try:
        with bar:
            run_on_kafka(run.check() if dry_run else run.send(settings))
    except BaseException:
        if run.lines:
            say(run.summary())
        raise
    say(run.summary())
    if run.refused:
        raise CheckFailed(
            f"{run.refused:,} of {run.lines:,} lines refused", "Each is named above, with its reason."
        )
