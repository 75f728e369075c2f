"""What a process logs: one line per event on stderr, for people or as JSON."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from processors.errors import LeadstreamError
from processors.observability.mending import Mending
from processors.printable import printable, printable_lines
from processors.settings import Settings

_QUIET: Final = {
    # Reconnects and rebalances are told at INFO by whoever is affected; these repeat them for every request.
    "aiokafka": logging.WARNING,
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    "kafka": logging.WARNING,
    "asyncio": logging.WARNING,
    "urllib3": logging.WARNING,
    # Answers every metadata request about a topic that is not there with a warning.
    "aiokafka.cluster": logging.ERROR,
}


def configure_logs(settings: Settings, **context: str) -> None:
    """Send every log line of this process to stderr, structlog's and the libraries' alike.

    ``context`` goes along with each. With ``LEADSTREAM_LOG_LEVEL=debug`` the libraries speak as freely as the
    system itself. Replaces what earlier calls set up.
    """
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(settings.log_format))
    handler.addFilter(Mending(level))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(logging.NOTSET if level <= logging.DEBUG else max(level, least))
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**context)


@contextmanager
def bugs_logged() -> Iterator[None]:
    """Nobody stands by when a service meets a bug: its log has to tell where that was."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, LeadstreamError):
            logging.getLogger(__name__).exception("a bug ends this process")
        raise


def _shared() -> list[Processor]:
    """What happens to every line, whichever library wrote it."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _printable(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """A console is a terminal: what events and servers say reaches it as text. JSON has its own way."""
    return {key: printable(value) if isinstance(value, str) else value for key, value in event.items()}


def _traceback(out: TextIO, error: ExcInfo) -> None:
    text = StringIO()
    structlog.dev.plain_traceback(text, error)
    out.write(printable_lines(text.getvalue()))


def _formatter(log_format: str) -> logging.Formatter:
    last: list[Processor]
    if log_format == "json":
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_traceback)
        last = [_printable, console]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
