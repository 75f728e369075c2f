"""Which Leadstream is measured: this one, or another of the same sources, compiled or not, on this Python or
another.

Another is built from the sources that run here, and installed apart from our own environment, as a peer is.
What it depends on has the versions of the lock file.
"""

import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from bench.environments import (
    OURS,
    NotAvailable,
    Say,
    build_of_python,
    ensure,
    ensure_environment,
    environment,
    home,
    run_program,
    told_of,
)
from bench.site import ROOT
from processors.build import is_compiled

_SWITCH: Final = "HATCH_BUILD_HOOK_ENABLE_CUSTOM"
"""Has the modules that pyproject.toml lists compiled into the wheel, or not."""
_SOURCES: Final = ("schemas", "processors", "deploy", "bench")
_LOCK: Final = ROOT / "requirements.lock"


class Build(NamedTuple):
    """``python`` runs it with ``path`` as its PYTHONPATH; None: with ours."""

    python: str
    path: str | None


THIS: Final = Build(OURS, None)
"""What runs, compiled or not."""


def build_of(python: str, *, compiled: bool) -> Build:
    """Whether it is there or not."""
    if _is_this(python, compiled=compiled):
        return THIS
    packages = environment("leadstream-needs", _LOCK, python)
    return Build(str(packages / "bin" / "python"), str(_wheel(python, compiled=compiled)))


def ensure_build(say: Say, python: str, *, compiled: bool) -> None:
    """Raises :class:`NotAvailable`."""
    if _is_this(python, compiled=compiled):
        return
    if not _LOCK.is_file():
        raise NotAvailable("needs Leadstream's sources: run it from a clone of the repository")
    ensure_environment("leadstream-needs", _LOCK, python, say)
    installed = build_of(python, compiled=compiled)

    def make(directory: Path) -> None:
        say(f"leadstream: building a {_kind(compiled)} wheel for Python {told_of(python)}")
        with tempfile.TemporaryDirectory() as name:
            wheel = [installed.python, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
            switch = {_SWITCH: "true" if compiled else "false"}
            run_program([*wheel, "--no-deps", "--wheel-dir", name, str(ROOT)], switch)
            [found] = Path(name).glob("*.whl")
            zipfile.ZipFile(found).extractall(directory)
        if compiled and not any(directory.rglob("*.so")):
            raise NotAvailable("nothing in the wheel is compiled")
        # As pip does it: else the first run would.
        run_program([installed.python, "-m", "compileall", "-q", str(directory)])

    ensure(_wheel(python, compiled=compiled), make)


def _is_this(python: str, *, compiled: bool) -> bool:
    return python == OURS and compiled == is_compiled()


@cache  # the sources are those of the start
def _wheel(python: str, *, compiled: bool) -> Path:
    made_from = [ROOT / "pyproject.toml", ROOT / "hatch_build.py", *_files()]
    return home(f"leadstream-{_kind(compiled)}", made_from, build_of_python(python))


def _files() -> list[Path]:
    return sorted(path for room in _SOURCES for path in (ROOT / room).rglob("*.py"))


def _kind(compiled: bool) -> str:
    return "compiled" if compiled else "pure"
