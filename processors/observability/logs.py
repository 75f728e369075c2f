"""What a process logs: one line per event on stderr, for people or as JSON."""

import logging
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from processors.errors import InternalError, LeadstreamError
from processors.observability.lines import ConsoleLines, JsonLines
from processors.observability.mending import Mending
from processors.settings import Settings

_QUIET: Final = {
    # Reconnects and rebalances are told at INFO by whoever is affected; these repeat them for every request.
    "aiokafka": logging.WARNING,
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    "kafka": logging.WARNING,
    "asyncio": logging.WARNING,
    # A request that is none is the business of who sent it, and there may be any number of them.
    "uvicorn": logging.ERROR,
    # Whoever uses these tells of what fails, and whether it is tried again.
    "urllib3": logging.ERROR,
    # ClickHouse's driver lowers the one above as soon as it is loaded, and this one tells what was asked for.
    "urllib3.connectionpool": logging.ERROR,
    "clickhouse_connect": logging.ERROR,
    # Answers every metadata request about a topic that is not there with a warning.
    "aiokafka.cluster": logging.ERROR,
}


LOGGED: Final = Counter({"info": 0, "warning": 0, "error": 0, "critical": 0})
"""Lines of this process by their level. As the log itself, there is one for everything in it."""


def configure_logs(settings: Settings, **context: str) -> None:
    """Send every log line of this process to stderr, the libraries' as well.

    ``context`` goes along with each. With ``LEADSTREAM_LOG_LEVEL=debug`` the libraries speak as freely as the
    system itself. Replaces what earlier calls set up.
    """
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(settings.log_format, context))
    handler.addFilter(Mending(level))
    handler.addFilter(_counted)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(logging.NOTSET if level <= logging.DEBUG else max(level, least))
    logging.captureWarnings(True)


def _formatter(log_format: str, context: Mapping[str, str]) -> logging.Formatter:
    if log_format == "json":
        return JsonLines(context)
    return ConsoleLines(context, colors=sys.stderr.isatty())


def _counted(record: logging.LogRecord) -> bool:
    """Of what is written: after everything that leaves some out, or lowers its level."""
    LOGGED[record.levelname.lower()] += 1
    return True


@contextmanager
def bugs_logged() -> Iterator[None]:
    """Nobody stands by when a service meets a bug: its log has to tell where that was.

    Raises ``InternalError`` for it, without its text, which may quote an event.
    """
    try:
        yield
    except LeadstreamError:
        raise
    except Exception as error:
        logging.getLogger(__name__).exception("a bug ends this process")
        remedy = "This is a bug. The log says where it happened; please report it with that."
        raise InternalError(type(error).__name__, remedy) from error
