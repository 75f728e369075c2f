"""An audit as a command runs it: progress, differences as they are found, the summary, the exit code."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Protocol

import msgspec

from processors.audit.rewards import Difference
from processors.audit.rewards_run import audit_rewards
from processors.audit.run import Audit, work_directory
from processors.audit.telling import Telling
from processors.clickhouse.connection import open_clickhouse
from processors.errors import CheckFailed
from processors.garbage import collect_rarely
from processors.kafka.running import run_on_kafka
from processors.registry.changes import NoSuchWorkspace
from processors.replaying import rewards as replayed
from processors.replaying.rewards_run import compare
from processors.settings import Settings
from processors.terminal.bars import Bar
from processors.terminal.lines import say, say_json
from processors.worker.run import policy_of
from processors.workspaces import registered, require_stored


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
    """Raises ``CheckFailed``: something differs, or there is no such workspace. The rest: see ``Audit``."""
    collect_rarely()
    begin = time.monotonic()
    telling = Telling(limit, apart=apart, as_json=as_json)
    tell = say_json if as_json else say
    client = open_clickhouse(settings) if clickhouse else None
    known: set[str] = set() if workspace is None else registered(settings)
    with nullcontext() if client is None else closing(client), work_directory(work_dir) as directory:
        if client is not None and workspace is not None:
            require_stored(client, workspace, known)
        audit = Audit(
            settings,
            policy_of(settings),
            client,
            directory,
            live=live,
            begun_ms=begun_ms,
            workspace=workspace,
            since_ms=since_ms,
        )
        with Bar("reading", None, "records") as bar:
            run_on_kafka(audit.read(bar.expect, bar.advance))
        with Bar("comparing", audit.steps, "parts") as bar:
            try:
                for verdicts in audit.verdicts(bar.advance):
                    for line in telling.verdicts(verdicts):
                        tell(line)
            except KeyboardInterrupt:
                bar.say(f"{audit.summary.differences.total():,} differences until then")
                raise
    if workspace is not None and client is None and workspace not in known and audit.summary.empty:
        raise NoSuchWorkspace(workspace, known | audit.others)
    for line in telling.summary(audit.summary, time.monotonic() - begin):
        tell(line)
    if not audit.summary.clean:
        count = audit.summary.differences.total()
        raise CheckFailed(f"{count:,} difference{'s' if count > 1 else ''}")


def run_rewards_audit(settings: Settings, *, workspace: str | None, limit: int, as_json: bool) -> None:
    """Raises ``CheckFailed``: something differs. The rest: see ``audit_rewards``."""
    collect_rarely()
    with Bar("comparing", None, "records") as bar:
        tell = _telling(limit, as_json=as_json)
        summary = run_on_kafka(audit_rewards(settings, tell, bar, workspace))
    _conclude(summary, summary.differences, as_json=as_json)


def run_ledger_comparison(
    live: Settings, replay: Settings, *, limit: int, apart: bool, as_json: bool
) -> None:
    """Raises ``CheckFailed``: something differs, or nothing could be compared. The rest: see ``compare``."""
    collect_rarely()
    with Bar("comparing", None, "records") as bar:
        tell = _telling(limit, as_json=as_json)
        compared = run_on_kafka(
            compare(live, replay, lambda found: tell(found) if apart or found.apart is None else None, bar)
        )
    _conclude(compared, compared.differing, as_json=as_json)
    compared.require_something()


class _Summary(Protocol):
    def lines(self) -> Iterator[str]: ...


def _telling(limit: int, *, as_json: bool) -> Callable[[Difference | replayed.Difference], None]:
    told = itertools.count(1)

    def tell(found: Difference | replayed.Difference) -> None:
        if next(told) > limit:
            return
        if as_json:
            say_json(msgspec.json.encode({"difference": str(found), **found._asdict()}))
        else:
            say(str(found))

    return tell


def _conclude(summary: _Summary, differences: int, *, as_json: bool) -> None:
    if as_json:
        say_json(msgspec.json.encode(summary))
    else:
        for line in summary.lines():
            say(line)
    if differences:
        raise CheckFailed([*summary.lines()][-1])
