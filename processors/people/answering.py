"""One look into what workers hold, for a gateway: ``python -P -m processors.people.answering``.

What it reads takes seconds of a core, which an event loop does not have, and only a process can be ended
wherever it is. What it is about comes on stdin, as :class:`~processors.people.traced.Asked` or ``AskedHeld``:
the arguments of a process are for everybody to see. Out comes a :class:`~processors.people.traced.Trace`, or
``HeldEvents``. Exit codes are those of ``leadstream``; stderr has what failed, and names nobody.
"""

import os
import signal
import sys
from collections.abc import Callable
from traceback import format_tb
from typing import Final

import msgspec
from msgspec.structs import replace

from processors.clock import epoch_ms
from processors.errors import ExitCode, LeadstreamError, Unavailable
from processors.kafka.connection import KafkaRefused
from processors.kafka.running import run_on_kafka
from processors.people.identity import person
from processors.people.telling import traced
from processors.people.traced import Asked, AskedHeld, HeldEvents, Trace
from processors.people.tracing import find
from processors.people.waiting import held_events
from processors.settings import Settings
from processors.settings.loading import settings_of_environment
from processors.settings.running import running_up

_NICENESS: Final = 10
"""What answers people comes first."""
_WORKERS_SILENT: Final = "The workers' state could not be read; what ClickHouse has is all there is here."
_CLICKHOUSE_SILENT: Final = "ClickHouse could not be asked; what did not match, and why, is not shown."


def main() -> int:
    """The exit code."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked | AskedHeld)
    # Should the gateway die meanwhile, nobody else ends this.
    signal.setitimer(signal.ITIMER_REAL, asked.most_s)
    os.nice(_NICENESS)
    asked_by = os.getppid()

    def progress(_done: int, _of: int) -> None:
        if os.getppid() != asked_by:
            sys.exit(ExitCode.HUNG_UP)

    try:
        settings = settings_of_environment(running_up())
        answer = _answer(settings, asked, progress)
    except LeadstreamError as error:
        sys.stderr.write(str(error))
        return error.exit_code
    except Exception as error:
        # What it says may quote an event.
        sys.stderr.write("".join(format_tb(error.__traceback__)) + type(error).__qualname__)
        return ExitCode.INTERNAL
    if answer is None:
        return ExitCode.USAGE
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    return 0


def _answer(
    settings: Settings, asked: Asked | AskedHeld, progress: Callable[[int, int], None]
) -> HeldEvents | Trace | None:
    """None: no event can name such a customer."""
    if isinstance(asked, AskedHeld):
        try:
            return run_on_kafka(held_events(settings, asked.workspace_id, epoch_ms(), asked.most, progress))
        except KafkaRefused as error:
            # No worker has run yet, or one of a newer release: nothing that whoever asks can mend.
            raise Unavailable(error.cause, error.remedy) from error
    try:
        who = person(asked.workspace_id, asked.customer_external_id)
    except ValueError:
        return None
    trace = traced(find(settings, who, progress))
    silent = {_WORKERS_SILENT: trace.explanation is None, _CLICKHOUSE_SILENT: trace.clickhouse is None}
    # Where the servers are is not for everybody who has a key.
    return replace(trace, notes=[note for note, applies in silent.items() if applies])


if __name__ == "__main__":
    sys.exit(main())
