"""``leadstream sql``."""

import click

from processors.cli.loading import load_settings
from processors.signals import Signals


@click.command()
@click.argument("query", metavar="[SQL|-]", required=False)
@click.option(
    "--json", "form", flag_value="json", help="JSON Lines: an object a row, values with their types."
)
@click.option("--csv", "form", flag_value="csv", help="CSV with a line of names: what a pipe gets anyway.")
@click.option("--write", is_flag=True, help="Let the query change what the user may change.")
@click.pass_obj
def sql(signals: Signals | None, query: str | None, form: str | None, write: bool) -> None:
    """Ask ClickHouse SQL, or - for statements from standard input; without it, at a prompt.

    On a terminal the answer is a table, of at most 1,000 rows; where no width is enough, it has one field a
    line. In a pipe it is CSV with all rows: the values of the table, whole, whatever is in them. They come as
    they are found, in constant memory. A FORMAT in the query counts. Of several statements each ends with a
    semicolon; the first that fails is the last.

    Only reads: the server refuses whatever would change data or tables, unless --write is given. Read the
    views (clicks, leads, sales, customers, unmatched, dead_letters, links; timeseries, funnel, top_links and
    time_to_lead take parameters); docs/querying.md has queries to start from.

    At the prompt a statement may have several lines and ends with a semicolon. Tab completes views, columns
    and words, Ctrl-C clears what was typed or ends the running query, on the server too, Ctrl-D leaves. What
    was asked is kept in ~/.local/state/leadstream (XDG_STATE_HOME).

    \b
    Examples:
      leadstream sql "SELECT * FROM leads ORDER BY timestamp DESC LIMIT 10"
      leadstream sql "SELECT partner_id, sum(quantity) AS leads FROM leads GROUP BY ALL" > leads.csv
      leadstream sql --json "SELECT * FROM sales" | jq .amount
      leadstream sql - < report.sql
      leadstream sql

    Reads ClickHouse at LEADSTREAM_CLICKHOUSE_URL.

    Exit codes: 0 done, 1 ClickHouse refuses the query, 69 no ClickHouse, 78 a setting is wrong,
    130 interrupted.
    """
    settings = load_settings()
    from processors.cli.asking import ask_on, ask_once

    stdin, on_a_terminal = click.get_text_stream("stdin"), click.get_text_stream("stdout").isatty()
    form = form or ("table" if on_a_terminal else "csv")
    if query is None and stdin.isatty() and on_a_terminal:
        ask_on(settings, form, signals or Signals(), writing=write)
    else:
        text = stdin.read() if query in (None, "-") else query
        ask_once(settings, form, text or "", writing=write)
