"""``leadstream``: the entry point, and the list of commands."""

import os
import sys
import textwrap
from collections.abc import Sequence

import click

from processors.cli.errors import explained
from processors.cli.lazy import Lazy, LazyGroup
from processors.errors import LeadstreamError, exit_codes_sentence
from processors.printable import printable_lines
from processors.proxies import reach_directly
from processors.signals import Signals
from processors.terminal.lines import say
from processors.terminal.streams import prepare

_HELP = """Deferred-lead attribution: clicks, sign-ups and qualifications in Kafka become leads in ClickHouse.

\b
  leadstream up --demo          the whole system on this machine, with traffic
  leadstream send events.jsonl  your own events, one JSON object per line
  leadstream COMMAND --help     what a command reads, writes and answers

Settings are environment variables, LEADSTREAM_*; `leadstream config` lists them all.

\b
"""
_HELP += textwrap.fill(f"Exit codes of every command: {exit_codes_sentence()}.", 78)


@click.group(
    "leadstream",
    cls=LazyGroup,
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    reraise=bool(os.environ.get("LEADSTREAM_TRACEBACK")),
    lazy={
        "up": Lazy("processors.cli.up:up", "The whole system on this machine."),
        "status": Lazy("processors.cli.status:status", "What runs, how far behind, what comes out."),
        "send": Lazy("processors.cli.send:send", "Send events from a file or a pipe."),
        "worker": Lazy("processors.cli.services:worker", "One worker: events become leads."),
        "sink": Lazy("processors.cli.services:sink", "One sink: leads become rows in ClickHouse."),
        "gateway": Lazy("processors.cli.services:gateway", "One gateway: HTTP in, short links."),
        "sql": Lazy("processors.cli.sql:sql", "Ask ClickHouse: a query, or a prompt."),
        "trace": Lazy("processors.cli.trace:trace", "Why a customer has its leads, or has none."),
        "erase": Lazy("processors.cli.erase:erase", "Forget a person everywhere."),
        "rewards": Lazy("processors.cli.rewards:rewards", "What a program pays its partners."),
        "workspace": Lazy("processors.cli.workspace:workspace", "Workspaces, their keys and domains."),
        "topics": Lazy("processors.cli.topics:topics", "Create or check the Kafka topics."),
        "migrate": Lazy("processors.cli.migrate:migrate", "Bring ClickHouse's tables up to date."),
        "acls": Lazy("processors.cli.topics:acls", "Who needs which rights in Kafka."),
        "dlq": Lazy("processors.cli.dlq:dlq", "Look at dead letters, and send them back."),
        "unmatched": Lazy("processors.cli.unmatched:unmatched", "Look at events that led to nothing."),
        "audit": Lazy("processors.cli.audit:audit", "Recompute every lead and compare."),
        "replay": Lazy("processors.cli.replay:replay", "Compute or store everything once more."),
        "bench": Lazy("bench.command:bench", "Measure it on a real broker, beside its peers."),
        "doctor": Lazy("processors.cli.doctor:doctor", "Check everything that the system needs."),
        "env": Lazy("processors.cli.env:env", "The addresses of the running system, for a shell."),
        "config": Lazy("processors.cli.config:config", "Show every setting and where it comes from."),
        "version": Lazy("processors.cli.version:version", "Show the versions of everything involved."),
    },
)
@click.version_option(package_name="leadstream", prog_name="leadstream", message="%(prog)s %(version)s")
def cli() -> None:
    pass


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    signals = Signals()
    reach_directly()
    prepare()
    try:
        with signals:
            result = cli.main(args, prog_name="leadstream", standalone_mode=False, obj=signals)
    except click.exceptions.Abort:
        say(signals.said, err=True)
        return signals.exit_code
    except click.ClickException as error:
        error.message = printable_lines(error.message)
        error.show()
        return error.exit_code
    except LeadstreamError as error:
        # What is raised before there is a command: its help cannot be written.
        told = explained(error)
        told.show()
        return told.exit_code
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
