"""One trace in a process of its own, for a gateway: ``python -P -m processors.people.answering``.

What it reads takes seconds of a core, which an event loop does not have, and only a process can be ended
wherever it is. Whom it is about comes on stdin, as :class:`~processors.people.traced.Asked`: the arguments of
a process are for everybody to see. Out comes a :class:`~processors.people.traced.Trace`. Exit codes are those
of ``leadstream``; stderr has what failed, and names nobody.
"""

import os
import signal
import sys
from typing import Final

import msgspec
from msgspec.structs import replace

from processors.errors import ExitCode, LeadstreamError
from processors.people.identity import person
from processors.people.telling import traced
from processors.people.traced import Asked
from processors.people.tracing import find
from processors.settings.loading import settings_of_environment
from processors.settings.running import running_up

_NICENESS: Final = 10
"""What answers people comes first."""
_WORKERS_SILENT: Final = "The workers' state could not be read; what ClickHouse has is all there is here."
_CLICKHOUSE_SILENT: Final = "ClickHouse could not be asked; what did not match, and why, is not shown."


def main() -> int:
    """The exit code."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    # Should the gateway die meanwhile, nobody else ends this.
    signal.setitimer(signal.ITIMER_REAL, asked.most_s)
    os.nice(_NICENESS)
    asked_by = os.getppid()

    def progress(_done: int, _of: int) -> None:
        if os.getppid() != asked_by:
            sys.exit(ExitCode.HUNG_UP)

    try:
        who = person(asked.workspace_id, asked.customer_external_id)
    except ValueError:
        return ExitCode.USAGE
    try:
        trace = traced(find(settings_of_environment(running_up()), who, progress))
    except LeadstreamError as error:
        sys.stderr.write(str(error))
        return error.exit_code
    silent = {_WORKERS_SILENT: trace.explanation is None, _CLICKHOUSE_SILENT: trace.clickhouse is None}
    # Where the servers are is not for everybody who has a key.
    said = [note for note, applies in silent.items() if applies]
    sys.stdout.buffer.write(msgspec.json.encode(replace(trace, notes=said)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
