"""``leadstream audit``."""

import errno
import json
import tempfile
import time
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from processors.cli.errors import CannotWrite, CheckFailed, Unavailable
from processors.cli.loading import load_settings
from processors.cli.moment import Moment
from processors.cli.progress import Bar
from processors.settings import Settings

if TYPE_CHECKING:
    from processors.audit.judging import Verdict
    from processors.audit.report import Summary
    from processors.audit.run import Audit

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}


@click.command()
@click.option("--workspace", metavar="ID", help="Audit this workspace only.")
@click.option("--since", type=Moment(), help="Only results that happened then or later: 2026-11-01, 7d.")
@click.option("--no-clickhouse", is_flag=True, help="Audit the topics only.")
@click.option("--limit", type=click.IntRange(0), default=100, show_default=True, help="Name at most so many.")
@click.option("--apart", is_flag=True, help="Also name what is listed apart.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per difference, then the summary.")
@click.option(
    "--work-dir",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Where to put what does not fit in memory: about as much as the topics hold.",
)
def audit(
    workspace: str | None,
    since: int | None,
    no_clickhouse: bool,
    limit: int,
    apart: bool,
    as_json: bool,
    work_dir: Path | None,
) -> None:
    """Recompute every result from the events, and compare it with what was published and stored.

    Leads, sales and the status of customers are computed anew by the reference model, which shares no code
    with the workers, under the LEADSTREAM_ATTRIBUTION_* settings of this process, and held against the result
    topics (each revision once, without a gap, the newest as the events make it) and against ClickHouse's
    views. The system may run meanwhile. Memory stays bounded, whatever the topics hold.

    \b
    Not everything can be decided; what cannot is counted apart, with the reason:
      beyond the input     retention has removed events that it may rest on
      not settled          not processed yet, or new events came while the audit read
      not stored yet       the sink has not come to it
      contested            the order of arrival may show about this customer (docs/rules.md)
      decided by the hold  something came about a hold too late; only the worker knows whether it did
      erased               the customer was erased after it was published

    \b
    Examples:
      leadstream audit
      leadstream audit --workspace acme --since 7d
      leadstream audit --json --limit 1000000 | jq -c 'select(.difference)'

    Reads the topics at LEADSTREAM_KAFKA_BOOTSTRAP, the views at LEADSTREAM_CLICKHOUSE_URL. Changes nothing.

    Exit codes: 0 nothing differs, 1 something does, 69 a server did not answer, 73 the work directory is
    full, 78 a topic or the database is missing.
    """
    settings = load_settings()
    begin = time.monotonic()
    say = _Speaker(limit, apart, as_json)
    summary = _run(settings, workspace, since, work_dir, say, clickhouse=not no_clickhouse)
    say.summary(summary, time.monotonic() - begin)
    if not summary.clean:
        count = summary.differences.total()
        raise CheckFailed(f"{count:,} difference{'s' if count > 1 else ''}")


def _run(
    settings: Settings,
    workspace: str | None,
    since_ms: int | None,
    work_dir: Path | None,
    say: "_Speaker",
    *,
    clickhouse: bool,
) -> "Summary":
    from clickhouse_connect.driver.exceptions import ClickHouseError

    from processors.audit.run import Audit
    from processors.cli.clickhouse import open_clickhouse
    from processors.garbage import collect_rarely
    from processors.sink.failures import cause
    from processors.worker.run import policy_of

    collect_rarely()
    client = open_clickhouse(settings) if clickhouse else None
    try:
        with (
            nullcontext() if client is None else closing(client),
            tempfile.TemporaryDirectory(prefix="leadstream-audit-", dir=work_dir) as directory,
        ):
            task = Audit(
                settings,
                policy_of(settings),
                client,
                Path(directory),
                workspace=workspace,
                since_ms=since_ms,
            )
            _read(task)
            with Bar("comparing", task.steps, "parts") as bar:
                for verdicts in task.verdicts(bar.advance):
                    say.verdicts(verdicts)
            return task.summary
    except ClickHouseError as error:
        raise Unavailable(f"ClickHouse did not answer: {cause(error)}", "Run the audit again.") from error
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise CannotWrite(
            f"cannot write to {work_dir or tempfile.gettempdir()}: {error.strerror}",
            "Choose another directory with --work-dir.",
        ) from error


def _read(task: "Audit") -> None:
    from processors.cli.topics import run_on_kafka

    with Bar("reading", None, "records") as bar:
        run_on_kafka(task.read(bar.expect, bar.advance))


class _Speaker:
    """Names up to ``limit`` differences, and as many results apart when asked to."""

    def __init__(self, limit: int, apart: bool, as_json: bool) -> None:
        self._limit = limit
        self._apart = apart
        self._as_json = as_json
        self._named = {"difference": 0, "apart": 0}

    def verdicts(self, verdicts: "list[Verdict]") -> None:
        """One line each."""
        from processors.audit.report import Difference

        for verdict in verdicts:
            group = "difference" if isinstance(verdict, Difference) else "apart"
            if group == "apart" and not self._apart:
                continue
            self._named[group] += 1
            if self._named[group] <= self._limit:
                click.echo(json.dumps({group: verdict.as_dict()}) if self._as_json else str(verdict))
            elif self._named[group] == self._limit + 1 and not self._as_json:
                click.echo(f"… more of these are counted, not named: --limit {self._limit}")

    def summary(self, summary: "Summary", seconds: float) -> None:
        """What was compared, and what came of it."""
        if self._as_json:
            click.echo(json.dumps({"summary": summary.as_dict()}))
            return
        for line in summary.lines():
            click.echo(line)
        rate = summary.events / max(seconds, 1e-3)
        click.echo(f"{summary.events:,} events in {seconds:.1f} s ({rate:,.0f}/s)")
