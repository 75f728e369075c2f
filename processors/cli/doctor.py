"""``leadstream doctor``."""

import click

from processors.cli.loading import load_settings
from processors.errors import CheckFailed
from processors.printable import styled
from processors.terminal.lines import say


@click.command()
@click.option(
    "--gateway", metavar="URL", help="One that is to serve; that of a running `up` is looked at anyway."
)
def doctor(gateway: str | None) -> None:
    """Check everything that the system needs, one line each; a line that fails says what to do.

    The data directories and their disks, the embedded servers if they are installed, the broker, its topics,
    whether workspaces and links lie where they are looked for, whether customers keep another attribution
    than is set, ClickHouse, its tables, whether workers and sinks read what is there, whether records end
    workers, and whether the gateway serves. Changes nothing.

    \b
    Examples:
      leadstream doctor      for the `leadstream up` that runs here
      LEADSTREAM_KAFKA_BOOTSTRAP=kafka:9092 \\
      LEADSTREAM_CLICKHOUSE_URL=http://user:password@clickhouse:8123/leadstream leadstream doctor

    Exit codes: 0 all well, 1 something is not, 78 a setting is wrong.
    """
    settings = load_settings()
    from processors.stack.checks import run_checks

    failed = 0
    for check in run_checks(settings, gateway):
        mark = styled("ok  ", fg="green") if check.ok else styled("FAIL", fg="red", bold=True)
        say(mark, f"  {check.name:<16} {check.found}")
        if not check.ok:
            failed += 1
            say(f"{'':22} → {check.remedy}")
    if failed:
        raise CheckFailed(f"{failed} check{'s' if failed > 1 else ''} failed")
