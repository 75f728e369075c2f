"""``python -P clickhouse_process.py STORE HOME``: be a ClickHouse server on the data in STORE until SIGTERM.

Leans on one private name, ``chdb._chdb.query``: the wheel's public functions are clients of an engine that
refuses to listen, while this one still runs the clickhouse-local program, and that has SYSTEM START LISTEN.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from importlib.metadata import version
from types import FrameType
from typing import Any


def engine() -> Callable[..., Any]:
    """``query(sql, format, path=…)`` of the wheel. Raises ``ImportError`` when it has moved."""
    import chdb

    query = getattr(getattr(chdb, "_chdb", None), "query", None)
    if not callable(query):
        raise ImportError(
            f"chdb-core {version('chdb-core')} has no chdb._chdb.query: install the version leadstream pins"
        )
    return query  # type: ignore[no-any-return]


def serve(store: str, home: str) -> str:
    """Block until SIGTERM; requests in flight are answered first. What went wrong, or an empty string."""
    query = engine()
    # Only now: the import runs a query of its own, which is not to see our configuration.
    os.environ["HOME"] = home
    # The program lasts as long as its last statement, and this one reads until the pipe is closed.
    until_closed, stop = os.pipe()
    wait = f"SELECT * FROM file('/dev/fd/{until_closed}', 'LineAsString') FORMAT Null"  # noqa: S608
    statements = f"SYSTEM START LISTEN HTTP; {wait}; SYSTEM STOP LISTEN HTTP"
    failure: list[str] = []

    def run() -> None:
        try:
            failure.append(query(statements, "TSV", path=store).error_message())
        except Exception as error:  # the engine raises RuntimeError and its own kinds; all end the server
            failure.append(str(error).partition("Stack trace")[0].rstrip(", "))

    def on_sigterm(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.close(stop)

    signal.signal(signal.SIGTERM, on_sigterm)
    # Python runs signal handlers in the main thread, which must therefore not be inside the engine.
    server = threading.Thread(target=run, name="clickhouse")
    server.start()
    server.join()
    return failure[0]


if __name__ == "__main__":
    sys.exit(serve(*sys.argv[1:]) or 0)
