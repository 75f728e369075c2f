"""``python -m tests.light ARGUMENTS``: the command line where only ``requirements.lock`` is installed."""

import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType
from typing import Final

ROOT: Final = Path(__file__).parent.parent


def normal(name: str) -> str:
    """One way to write the name of a distribution."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(file: str) -> dict[str, set[str]]:
    """Distribution → the versions of it that a lock file has, one for each kind of interpreter."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", (ROOT / file).read_text(), re.MULTILINE):
        found.setdefault(normal(name), set()).add(version)
    return found


@cache
def distributions() -> Mapping[str, set[str]]:
    """Module → the installed distributions that have it."""
    return {module: set(map(normal, names)) for module, names in packages_distributions().items()}


def lighten() -> None:
    """From now on this process finds nothing of what is installed for tests or by the extra ``local``."""
    kept = {*locked("requirements.lock"), "leadstream"}
    hidden = {module for module, names in distributions().items() if not names & kept}

    class Finder(PathFinder):
        @classmethod
        def find_spec(
            cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
        ) -> ModuleSpec | None:
            if fullname.partition(".")[0] in hidden:
                return None
            return super().find_spec(fullname, path, target)

    sys.meta_path[sys.meta_path.index(PathFinder)] = Finder


if __name__ == "__main__":
    lighten()
    from processors.cli.main import main

    sys.exit(main())
