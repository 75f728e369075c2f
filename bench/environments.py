"""What peers, plot and Leadstream built otherwise need, outside of our own environment: made on first use,
kept in the user's cache.

Each is kept under a hash of what it was made from, and marked when it is complete: half of one is made anew.
A Python program gets a virtual environment for its ``requirements.txt``; Kafka Streams is built with Maven.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

from deploy.local.errors import NoJava
from deploy.local.jars import user_cache
from deploy.local.java import find_java

Say = Callable[[str], None]
OURS: Final = sys.executable
"""The Python that runs this."""
_BENCH: Final = Path(__file__).parent
_PATIENCE_S: Final = 900


class NotAvailable(Exception):
    """It cannot be set up here; ``str()`` says why."""


@cache
def build_of_python(python: str) -> str:
    """Version, date and compiler of an interpreter. Raises :class:`NotAvailable`."""
    return run_program([python, "-I", "-c", "import sys; print(sys.version)"]).strip()


def told_of(python: str) -> str:
    """An interpreter, as results name it. Raises :class:`NotAvailable`."""
    return f"{build_of_python(python).split()[0]} ({python})"


def python_of(room: str, python: str = OURS) -> Path:
    """The interpreter of a program in ``bench``, whether it is there or not."""
    return environment(Path(room).name, _BENCH / room / "requirements.txt", python) / "bin" / "python"


def classpath_of(room: str) -> str:
    """The classes of a program in Java, whether they are there or not."""
    target = home(Path(room).name, _files(_BENCH / room)) / "target"
    return f"{target}/bench.jar:{target}/jars/*"


def java() -> str:
    """Raises :class:`NotAvailable`."""
    try:
        return str(find_java())
    except NoJava as error:
        raise NotAvailable(str(error)) from None


def ensure_python(room: str, say: Say, python: str = OURS) -> None:
    """Raises :class:`NotAvailable`."""
    ensure_environment(Path(room).name, _BENCH / room / "requirements.txt", python, say)


def ensure_environment(name: str, requirements: Path, python: str, say: Say) -> None:
    """Raises :class:`NotAvailable`."""

    def make(directory: Path) -> None:
        say(f"{name}: installing {requirements.name} for Python {told_of(python)}")
        run_program([python, "-m", "venv", str(directory)])
        pip = [str(directory / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        run_program([*pip, "--disable-pip-version-check", "--requirement", str(requirements)])

    ensure(environment(name, requirements, python), make)


def environment(name: str, requirements: Path, python: str) -> Path:
    """Its directory, whether it is there or not."""
    return home(name, [requirements], build_of_python(python))


def ensure_maven(room: str, say: Say) -> None:
    """Raises :class:`NotAvailable`."""
    if shutil.which("mvn") is None:
        raise NotAvailable("needs Maven (mvn) and a JDK ≥ 17, which are not installed")

    def make(directory: Path) -> None:
        say(f"{room}: building with Maven")
        with tempfile.TemporaryDirectory() as name:
            project = Path(name) / "project"
            shutil.copytree(_BENCH / room, project)
            run_program(["mvn", "--quiet", "--batch-mode", "--file", str(project / "pom.xml"), "package"])
            shutil.move(project / "target", directory / "target")

    ensure(home(Path(room).name, _files(_BENCH / room)), make)


def home(name: str, sources: Sequence[Path], *more: str) -> Path:
    """Where something is kept that is made from these files, and from what ``more`` says."""
    content = b"".join(source.read_bytes() for source in sources if source.is_file())
    label = blake2b(content + "\n".join(more).encode(), digest_size=6).hexdigest()
    return user_cache() / "bench" / f"{name}-{label}"


def ensure(directory: Path, make: Callable[[Path], None]) -> None:
    """Have it made unless it is complete. Whoever wants it meanwhile waits for it."""
    complete = directory / "complete"
    if complete.exists():
        return
    directory.parent.mkdir(parents=True, exist_ok=True)
    with directory.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if complete.exists():
            return
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        make(directory)
        complete.touch()


def run_program(command: Sequence[str], env: Mapping[str, str] | None = None) -> str:
    """What it prints; ``env`` is added to ours. Raises :class:`NotAvailable` when it fails."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=True,
            env={**os.environ, **(env or {})},
        )
    except subprocess.CalledProcessError as error:  # whose str() does not tell what went wrong
        said = (error.stderr or error.stdout).strip().splitlines()
        raise NotAvailable(f"{Path(command[0]).name} failed: {' / '.join(said[-3:])}") from None
    except (OSError, subprocess.SubprocessError) as error:
        raise NotAvailable(str(error)) from None
    return done.stdout


def _files(room: Path) -> list[Path]:
    return sorted(room.rglob("*.*"))
