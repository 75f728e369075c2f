"""What a process logs: one line per event on stderr, for people or as JSON."""

import logging
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from processors.errors import InternalError, LeadstreamError
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
    """Send every log line of this process to stderr, structlog's and the libraries' alike.

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
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(context),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


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


def where_and_what(error: BaseException) -> str:
    """The calls that led to an error and to those before it, and of which kind each is.

    What an error says may quote an event: only those that cannot are quoted.
    """
    parts: list[str] = []
    found: BaseException | None = error
    seen: set[int] = set()
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        text = f": {found}" if _quotes_nothing(found) and str(found) else ""
        calls = "".join(traceback.format_tb(found.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{calls}{type(found).__qualname__}{text}")
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
    return "\n\nwhich led to\n\n".join(reversed(parts))


def _quotes_nothing(error: BaseException) -> bool:
    return isinstance(error, LeadstreamError | OSError) or type(error).__module__.startswith("aiokafka.")


def _shared(context: Mapping[str, str]) -> list[Processor]:
    """What happens to every line, whichever library wrote it, in whichever thread."""

    def in_context(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {**event, **context}

    return [
        in_context,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _printable(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """A console is a terminal: what events and servers say reaches it as text. JSON has its own way."""
    in_lines = {"stack"}
    return {
        key: (printable_lines if key in in_lines else printable)(value) if isinstance(value, str) else value
        for key, value in event.items()
    }


def _without_repr(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Of a task that failed asyncio shows the error as well, in its second line."""
    if event.get("logger") == "asyncio":
        event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _traceback(out: TextIO, error: ExcInfo) -> None:
    out.write("\n" + printable_lines(where_and_what(error[1])))


def _formatter(log_format: str, context: Mapping[str, str]) -> logging.Formatter:
    last: list[Processor]
    if log_format == "json":
        rendered = structlog.processors.ExceptionRenderer(lambda error: where_and_what(error[1]))
        last = [rendered, structlog.processors.JSONRenderer(default=str)]
    else:
        console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_traceback)
        last = [_printable, console]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *_shared(context)],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _without_repr, *last],
    )
