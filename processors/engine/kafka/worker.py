"""The process around the app."""

import asyncio
import logging
import signal
import sys
from typing import Any, NoReturn

import faust

from processors.engine.exits import die, whole
from processors.engine.kafka.app import EngineApp
from processors.engine.kafka.tables import FAUST_LOG
from processors.engine.kafka.topics_check import check_topics
from processors.engine.state.data_dir import claim, mark
from processors.engine.state.open_files import allow_open_files
from processors.errors import LeadstreamError
from processors.garbage import collect_rarely

log = logging.getLogger(__name__)


class EngineWorker(faust.Worker):  # type: ignore[misc]
    """Faust's worker: signals and an orderly stop. Silent, and leaves logging to the application."""

    logger = FAUST_LOG

    def __init__(self, app: EngineApp, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            app,
            quiet=True,
            loop=loop,
            override_logging=False,
            redirect_stdouts=False,
            loglevel=logging.WARNING,
        )
        self.spinner = None

    async def start(self) -> None:
        """Until stopped. A failed start ends the process: Faust would hang in stopping what never started."""
        try:
            await super().start()
        except asyncio.CancelledError:
            raise
        except Exception as exc:
            die(exc)

    def _setproctitle(self, info: str, *, ident: str = "") -> None:
        """The process keeps its name."""

    async def _sentinel_task(self) -> None:
        """Instead of a nap of one second before the loop closes."""


def run(app: EngineApp) -> NoReturn:
    """Run until SIGTERM or SIGINT (the batch in flight is committed first, exit code 0) or an error.

    Exits with the code of the ``LeadstreamError`` that ended it; cause and remedy are logged as critical.
    """
    signal.signal(signal.SIGTERM, _interrupt)  # until the worker installs its own
    allow_open_files()
    try:
        with claim(app.settings.data_dir):
            cluster_id = app.loop.run_until_complete(check_topics(app.settings, app.processors))
            mark(app.settings.data_dir, app.settings.application_id, cluster_id)
            _quiet_and_lean()
            EngineWorker(app, app.loop).execute_from_commandline()
    except LeadstreamError as exc:
        log.critical(whole(exc))
        sys.exit(exc.exit_code)
    except KeyboardInterrupt:
        sys.exit(0)
    raise AssertionError("execute_from_commandline() exits")


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


def _quiet_and_lean() -> None:
    for name in ("faust", "mode", "aiokafka"):
        if logging.getLogger(name).level == logging.NOTSET:
            logging.getLogger(name).setLevel(logging.WARNING)
    collect_rarely()
