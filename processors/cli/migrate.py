"""``leadstream migrate``."""

from contextlib import closing

import click

from processors.cli.loading import load_settings
from processors.terminal.lines import say


@click.command()
@click.option("--grants", is_flag=True, help="Then give the roles of ClickHouse the rights that they need.")
def migrate(grants: bool) -> None:
    """Bring ClickHouse's tables and views up to date: create the database, apply what it lacks.

    May be run any number of times, before the sinks of a new version are started. The views run with
    the rights of the user who migrates: let it be one who stays.

    With --grants the roles DATABASE_reader, _writer, _operator and _migrator get the least rights that
    analysts, sinks, operators and migrations can work with; the statements are shown. It takes a user
    who may make roles.

    \b
    Example:
      LEADSTREAM_CLICKHOUSE_URL=http://user:password@clickhouse:8123/leadstream leadstream migrate --grants

    Writes to the database at LEADSTREAM_CLICKHOUSE_URL.

    Exit codes: 0 up to date, 69 no ClickHouse, 78 wrong password, a server that is too old, a migration is
    not what it was when it was applied, or this user may not make roles.
    """
    settings = load_settings()
    from processors.clickhouse.migrations import bring_up_to_date

    applied = bring_up_to_date(settings)
    for name in applied:
        say(f"applied {name}")
    if not applied:
        say("up to date already")
    if grants:
        from processors.clickhouse.connection import open_clickhouse
        from processors.clickhouse.roles import grant, statements
        from processors.sink.tables import WRITES

        database = settings.clickhouse_address.database
        for statement in statements(database, WRITES):
            say(f"{statement};")
        with closing(open_clickhouse(settings)) as client:
            grant(client, database, WRITES)
