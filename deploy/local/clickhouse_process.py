"""``python -P -m deploy.local.clickhouse_process STORE HOME PORT``: be a ClickHouse server until SIGTERM.

The data are in STORE, the configuration is in HOME; nothing else on this machine can be reached.

Leans on one private name, ``chdb._chdb.query``: the wheel's public functions are clients of an engine that
refuses to listen, while this one still runs the clickhouse-local program, and that has SYSTEM START LISTEN.
"""

import importlib.util
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any

from deploy.local.confine import confine

_OF_THE_MACHINE = (
    *("/usr", "/lib", "/lib64", "/nix/store", "/gnu/store", "/etc/ld.so.cache", "/sys", "/dev/urandom"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat"),
)


def engine() -> Callable[..., Any]:
    """``query(sql, format, path=…)`` of the wheel. Raises ``ImportError`` when it has moved."""
    import chdb

    query = getattr(getattr(chdb, "_chdb", None), "query", None)
    if not callable(query):
        raise ImportError(
            f"chdb-core {version('chdb-core')} has no chdb._chdb.query: install the version leadstream pins"
        )
    return query  # type: ignore[no-any-return]


def program_files() -> Iterator[Path]:
    """Where the interpreter and the wheel lie, and what they ask of the machine."""
    wheel = importlib.util.find_spec("chdb")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parents[1]
    yield Path(sys.base_prefix)
    yield from map(Path, _OF_THE_MACHINE)
    if sys.platform == "linux":
        for mapped in Path("/proc/self/maps").read_text().splitlines():
            # Libraries, wherever somebody has put them.
            path = Path(mapped.split(maxsplit=5)[-1])
            if path.is_absolute():
                yield path


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


def main(store: str, home: str, port: str) -> str:
    """Shut in first: whatever the engine does, from its import on, happens inside."""
    readable = [*program_files(), Path(home)]
    confine(readable=readable, writable=[Path(store), Path("/dev/null")], port=int(port))
    return serve(store, home)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) or 0)
