"""``leadstream migrate``."""

import click

from processors.cli.loading import load_settings


@click.command()
def migrate() -> None:
    """Bring ClickHouse's tables up to date: create the database and apply the migrations it lacks.

    May be run any number of times, before the sinks of a new version are started.

    \b
    Example:
      LEADSTREAM_CLICKHOUSE_URL=http://user:password@clickhouse:8123/leadstream leadstream migrate

    Writes to the database at LEADSTREAM_CLICKHOUSE_URL.

    Exit codes: 0 up to date, 69 no ClickHouse, 78 wrong password, a server that is too old, or a migration
    is not what it was when it was applied.
    """
    settings = load_settings()
    from processors.cli.clickhouse import bring_up_to_date

    applied = bring_up_to_date(settings)
    for name in applied:
        click.echo(f"applied {name}")
    if not applied:
        click.echo("up to date already")
