"""``python -m tests.compiled.building DIRECTORY``: a copy of the tree, with the modules of a compiled wheel.

In the tree itself nothing may be compiled: a source that is edited would no longer be what runs.
"""

import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final

from tests.light import ROOT

SWITCH: Final = "HATCH_BUILD_HOOK_ENABLE_CUSTOM"
_PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())
_HOOK: Final = _PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
MODULES: Final[tuple[str, ...]] = tuple(_HOOK["modules"])
"""Those that are compiled, as paths."""
_MADE: Final = shutil.ignore_patterns(
    *(".git", ".venv", ".*_cache", "__pycache__", ".leadstream", ".hypothesis", ".faults"),
    *("node_modules", "dist", "build", "bench-results"),
)


class Failed(Exception):
    """What pip said."""


def wheel(out: Path, source: Path = ROOT, /, **environment: str) -> Path:
    """Build one of ``source``, with these variables besides. Raises :class:`Failed`."""
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(out), str(source)]
    env = {name: value for name, value in os.environ.items() if name != SWITCH} | environment
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise Failed(done.stdout + done.stderr)
    [made] = out.glob("*.whl")
    return made


def as_in_the_image(directory: Path) -> None:
    """Copy into ``directory`` what the image is built from, and no more."""
    lines = (ROOT / "deploy/docker/Dockerfile").read_text()
    allowed = (ROOT / ".dockerignore").read_text().split()
    for copied in re.findall(r"^COPY (?!--)(.+) \S+$", lines, re.MULTILINE):
        for name in copied.split():
            if f"!{name}" not in allowed:
                raise ValueError(f".dockerignore does not let {name} pass, which the Dockerfile copies")
            copy = shutil.copytree if ROOT.joinpath(name).is_dir() else shutil.copy
            copy(ROOT / name, directory / name)


def tree(of: Path, directory: Path) -> None:
    """Copy the tree into ``directory``, and unpack the wheel ``of`` over it."""
    shutil.copytree(ROOT, directory, ignore=_MADE)
    for folder, _, _ in os.walk(directory):
        theirs = ROOT / Path(folder).relative_to(directory) / "node_modules"
        if theirs.is_dir():  # what the tests of scripts need
            Path(folder, "node_modules").symlink_to(theirs)
    with zipfile.ZipFile(of) as archive:
        archive.extractall(directory)


def imported() -> list[str]:
    """The files from which the modules come that may be compiled."""
    names = [path.removesuffix(".py").replace("/", ".") for path in MODULES]
    return [str(importlib.import_module(name).__file__) for name in names]


def is_compiled(file: str) -> bool:
    """Of one of them."""
    return file.endswith(tuple(EXTENSION_SUFFIXES))


def main() -> None:
    """Build, copy, unpack."""
    directory = Path(sys.argv[1])
    try:
        made = wheel(directory / "wheel", **{SWITCH: "true"})
    except Failed as error:
        raise SystemExit(str(error)) from None
    tree(made, directory / "tree")


if __name__ == "__main__":
    main()
