"""``leadstream send``."""

import os
import stat
from typing import IO

import click

from processors.cli.loading import load_settings
from processors.errors import CheckFailed
from processors.terminal.bars import Bar
from processors.terminal.lines import say


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Validate only: send nothing, need no Kafka.")
@click.option(
    "--type",
    "untyped",
    type=click.Choice(["click", "lead", "purchase", "erasure"]),
    help="What the events are that do not say so themselves.",
)
@click.option("--strict", is_flag=True, help="Refuse events with names that may be misspelt fields.")
def send(file: IO[bytes], dry_run: bool, untyped: str | None, strict: bool) -> None:
    """Send events from FILE, or from standard input when FILE is -.

    FILE holds events, their "type" being click, lead, purchase or erasure, or, of the ledger of rewards,
    refund, hold, release or cancel: one JSON object per line, a JSON array, or CSV whose first row names
    fields; compressed with gzip or Zstandard, or not. What it is, is seen by its content. Each event is
    checked as whoever reads it would check it, and goes to the topic and partition where it belongs, as it
    is. An event that is sent twice counts once. Two purchases of one customer with equal content are one
    event unless invoiceId, eventId or timestamp tells them apart.

    What is no event is named on stderr with line, field and rule, and the others are sent all the same; after
    20 of them, they are counted by reason. Fields that nobody knows are ignored by workers; one that is close
    to a field (click_id, referrer) is named, and with --strict its event is refused.

    In CSV an empty cell is absent; metadata.plan is the member plan of metadata. Kafka gets JSON.

    \b
    Examples:
      leadstream send events.jsonl
      leadstream send --dry-run --strict events.jsonl.gz
      leadstream send --type purchase invoices.csv
      tail -f app.log | jq -c --unbuffered .event | leadstream send -
      echo '{"type":"click","workspaceId":"acme","clickId":"c1"}' | leadstream send -

    \b
    invoices.csv:
      workspaceId,customerExternalId,amount,currency,invoiceId,timestamp,metadata.plan
      acme,u1,4900,eur,in_1,2026-11-05T09:00:00Z,pro

    Writes to Kafka at LEADSTREAM_KAFKA_BOOTSTRAP; every event is acknowledged by all replicas in sync.

    Exit codes: 0 all were sent, 1 some were refused or FILE holds none that can be read, 69 no broker, 78 a
    topic is missing.
    """
    settings = load_settings()
    from processors.feeding.feed import Feed
    from processors.feeding.findings import MOST_SHOWN
    from processors.kafka.running import run_on_kafka

    bar = Bar("checking" if dry_run else "sending", _size_of(file), "bytes")
    feed = Feed(getattr(file, "raw", file), bar, untyped=untyped, strict=strict)
    try:
        with bar:
            run_on_kafka(feed.check() if dry_run else feed.send(settings))
    finally:
        if feed.lines:
            for line in feed.totals():
                say(line, err=True)
            say(feed.summary())
    if not feed.lines:
        name = getattr(file, "name", "<stdin>")
        say(f"{name}: {'no events in it' if feed.taken else 'empty'}, nothing was sent", err=True)
        say(feed.summary())
    if feed.refused:
        raise CheckFailed(
            f"{feed.refused:,} of {feed.lines:,} lines refused",
            "Each is named above, with its reason."
            if feed.refused <= MOST_SHOWN
            else f"The first {MOST_SHOWN} are named above, with their reasons.",
        )


def _size_of(file: IO[bytes]) -> int | None:
    """How much there is to read, where that is known."""
    try:
        status = os.fstat(file.fileno())
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
