"""An audit as a command runs it: progress, differences as they are found, the summary, the exit code."""

import errno
import json
import tempfile
import time
from contextlib import closing, nullcontext
from pathlib import Path

from processors.audit.judging import Verdict
from processors.audit.report import Difference, Summary
from processors.audit.run import Audit
from processors.cli.progress import Bar
from processors.cli.terminal import say, say_json
from processors.clickhouse.connection import open_clickhouse
from processors.errors import CannotWrite, CheckFailed
from processors.garbage import collect_rarely
from processors.kafka.running import run_on_kafka
from processors.settings import Settings
from processors.worker.run import policy_of

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}


def run_audit(
    settings: Settings,
    *,
    live: Settings | None = None,
    begun_ms: int | None = None,
    clickhouse: bool = True,
    workspace: str | None = None,
    since_ms: int | None = None,
    work_dir: Path | None = None,
    limit: int = 100,
    apart: bool = False,
    as_json: bool = False,
) -> None:
    """Raises ``CheckFailed`` when anything differs. The rest: see ``Audit``."""
    collect_rarely()
    begin = time.monotonic()
    speaker = _Speaker(limit, apart, as_json)
    client = open_clickhouse(settings) if clickhouse else None
    try:
        with (
            nullcontext() if client is None else closing(client),
            tempfile.TemporaryDirectory(prefix="leadstream-audit-", dir=work_dir) as directory,
        ):
            audit = Audit(
                settings,
                policy_of(settings),
                client,
                Path(directory),
                live=live,
                begun_ms=begun_ms,
                workspace=workspace,
                since_ms=since_ms,
            )
            _work(audit, speaker)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise CannotWrite(
            f"cannot write to {work_dir or tempfile.gettempdir()}: {error.strerror}",
            "Choose another directory with --work-dir.",
        ) from error
    speaker.summary(audit.summary, time.monotonic() - begin)
    if not audit.summary.clean:
        count = audit.summary.differences.total()
        raise CheckFailed(f"{count:,} difference{'s' if count > 1 else ''}")


def _work(audit: Audit, speaker: "_Speaker") -> None:
    with Bar("reading", None, "records") as bar:
        run_on_kafka(audit.read(bar.expect, bar.advance))
    with Bar("comparing", audit.steps, "parts") as bar:
        try:
            for verdicts in audit.verdicts(bar.advance):
                speaker.verdicts(verdicts)
        except KeyboardInterrupt:
            bar.say(f"{audit.summary.differences.total():,} differences until then")
            raise


class _Speaker:
    """Names up to ``limit`` differences, and as many results apart when asked to."""

    def __init__(self, limit: int, apart: bool, as_json: bool) -> None:
        self._limit = limit
        self._apart = apart
        self._as_json = as_json
        self._named = {"difference": 0, "apart": 0}

    def verdicts(self, verdicts: list[Verdict]) -> None:
        """One line each."""
        for verdict in verdicts:
            group = "difference" if isinstance(verdict, Difference) else "apart"
            if group == "apart" and not self._apart:
                continue
            self._named[group] += 1
            if self._named[group] <= self._limit:
                if self._as_json:
                    say_json(json.dumps({group: verdict.as_dict()}))
                else:
                    say(str(verdict))
            elif self._named[group] == self._limit + 1 and not self._as_json:
                say(f"… more of these are counted, not named: --limit {self._limit}")

    def summary(self, summary: Summary, seconds: float) -> None:
        """What was compared, and what came of it."""
        if self._as_json:
            say_json(json.dumps({"summary": summary.as_dict()}))
            return
        for line in summary.lines():
            say(line)
        rate = summary.events / max(seconds, 1e-3)
        say(f"{summary.events:,} events in {seconds:.1f} s ({rate:,.0f}/s)")
