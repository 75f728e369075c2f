"""The ``leadstream up`` that runs here: what it leaves in its data directory for every other command.

It is found as a version control system finds its repository: in the working directory, or in a parent.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from processors.files import open_private
from processors.owners import owner_of
from processors.settings.part import variable

DATA: Final = ".leadstream"
"""The data directory of who names none."""
LOGS: Final = "logs"
"""In every data directory of ``up``, from its first moment on: what lacks it is none."""
_FILE: Final = "running.json"


@dataclass(frozen=True)
class RunningUp:
    """Where the processes of a ``leadstream up`` are. ``data``: its directory; ``pid``: the process itself.

    ``kafka``: HOST:PORT. ``clickhouse``: a URL with its password, ``gateway``: a URL. ``metrics``: by the
    name of a process, the URL of its ``/metrics``. ``settings``: what was set for it that every process of
    the system has to agree on, by the name of the setting, as it was written.
    """

    data: Path
    pid: int
    kafka: str
    clickhouse: str = field(repr=False)
    gateway: str
    metrics: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)


def running_up(start: Path | None = None) -> RunningUp | None:
    """The living ``up`` whose ``.leadstream`` is in ``start``, or else in the nearest parent that has one.

    Without ``start``: that of ``LEADSTREAM_DATA_DIR``, where this is a directory of ``up``, or else as seen
    from the working directory. One that was killed is none, and what lies further up does not take its place:
    a command would work on another system than the one it was meant for. Reads a few small files, and raises
    nothing.
    """
    data = nearest_data(start)
    return None if data is None else running_in(data)


def nearest_data(start: Path | None = None) -> Path | None:
    """The data directory in which :func:`running_up` looks, whether something runs there or not."""
    named = os.environ.get(variable("data_dir"))
    if start is None and named and _is_of_up(Path(named)):
        return Path(named).absolute()
    try:
        here = (start or Path.cwd()).absolute()
    except OSError:
        return None  # the working directory is gone
    return next((one / DATA for one in (here, *here.parents) if _is_of_up(one / DATA)), None)


def running_in(data: Path) -> RunningUp | None:
    """The living ``up`` of this data directory. Raises nothing."""
    try:
        with (data / _FILE).open("rb") as file:
            ours = os.fstat(file.fileno()).st_uid == os.geteuid()
            found = _decoded(data, orjson.loads(file.read())) if ours else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # nothing runs, or a release that is none of ours wrote it
    # What one that was killed left behind is not that of whoever owns the directory now.
    return found if found is not None and found.pid == owner_of(data) else None


def busy_in(data: Path | None) -> int | None:
    """The process of an ``up`` that is not yet to be found there, or no more."""
    return owner_of(data) if data is not None and running_in(data) is None else None


@contextmanager
def published(up: RunningUp) -> Iterator[None]:
    """It is found as long as this lasts, by nobody but its own user. Raises ``OSError``."""
    path = up.data / _FILE
    unfinished = path.with_name(f"{_FILE}.unfinished")
    document = {
        "pid": up.pid,
        "kafka": up.kafka,
        "clickhouse": up.clickhouse,
        "gateway": up.gateway,
        "metrics": dict(up.metrics),
        "settings": dict(up.settings),
    }
    with open_private(unfinished, "wb") as file:
        file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    unfinished.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _is_of_up(directory: Path) -> bool:
    """And of this user: whoever can write above us is not to send us to a server of his."""
    try:
        return (directory / LOGS).stat().st_uid == os.geteuid()
    except OSError:
        return False


def _decoded(data: Path, document: dict[str, Any]) -> RunningUp:
    return RunningUp(
        data=data,
        pid=int(document["pid"]),
        kafka=str(document["kafka"]),
        clickhouse=str(document["clickhouse"]),
        gateway=str(document["gateway"]),
        metrics={str(name): str(url) for name, url in document["metrics"].items()},
        settings={str(name): str(text) for name, text in document.get("settings", {}).items()},
    )
