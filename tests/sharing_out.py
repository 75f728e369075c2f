"""How the tests with servers are shared out among processes, each of which has servers of its own.

For ``pytest --numprocesses=N --dist=loadfile --no-loadscope-reorder``: a file is run by one process, from its
beginning to its end, and they are taken in the order in which they are collected.
"""

from pathlib import Path
from typing import Final

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.scheduler.protocol import Scheduling

_WITH_SERVERS: Final = "integration"
"""The marker."""
_LONGEST: Final = (
    *("tests/docs/", "tests/clients/", "tests/browser/", "tests/compiled/"),
    *("tests/faults/", "tests/integration/", "tests/engine/"),
)
"""They come first: were they last, one process would have work while the others had none."""
_TOGETHER: Final = ("tests/clients/", "tests/browser/")
"""By one process: what their tests share takes long to start. All of Leadstream with the SDKs; a Chromium."""


class ByWhatIsShared(LoadScopeScheduling):  # type: ignore[misc]
    """By file, or by what stands in ``_TOGETHER``."""

    def _split_scope(self, nodeid: str) -> str:
        return next((one for one in _TOGETHER if nodeid.startswith(one)), nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    return ByWhatIsShared(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Each process for tests with servers would import all the others, too, to find that they are none."""
    if config.option.markexpr.startswith(_WITH_SERVERS) and collection_path.name.startswith("test_"):
        return not _may_need_servers(collection_path) or None
    return None


def _may_need_servers(file: Path) -> bool:
    return _WITH_SERVERS in file.read_text()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for file in {item.path for item in items if item.get_closest_marker(_WITH_SERVERS)}:
        if not _may_need_servers(file):
            raise pytest.UsageError(f"{file} has tests with servers: it has to say so itself")
    items.sort(key=lambda item: _rank(item.nodeid))


def _rank(nodeid: str) -> int:
    return next((rank for rank, one in enumerate(_LONGEST) if nodeid.startswith(one)), len(_LONGEST))
