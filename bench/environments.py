"""What peers and plot need, outside of our own environment: made on first use, kept in the user's cache.

Each is named by its directory in ``bench``. A Python program gets a virtual environment for its
``requirements.txt``; Kafka Streams is built with Maven. Each is kept under a hash of what it was made from,
and marked when it is complete: half of one is made anew.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

from deploy.local.errors import NoJava
from deploy.local.jars import user_cache
from deploy.local.java import find_java

Say = Callable[[str], None]
_BENCH: Final = Path(__file__).parent
_PATIENCE_S: Final = 900


class NotAvailable(Exception):
    """It cannot be set up here; ``str()`` says why."""


def python_of(room: str) -> Path:
    """The interpreter of a program, whether it is there or not."""
    return _home(room, [_BENCH / room / "requirements.txt"]) / "bin" / "python"


def classpath_of(room: str) -> str:
    """The classes of a program in Java, whether they are there or not."""
    target = _home(room, sorted((_BENCH / room).rglob("*.*"))) / "target"
    return f"{target}/bench.jar:{target}/jars/*"


def java() -> str:
    """Raises :class:`NotAvailable`."""
    try:
        return str(find_java())
    except NoJava as error:
        raise NotAvailable(str(error)) from None


def ensure_python(room: str, say: Say) -> None:
    """Raises :class:`NotAvailable`."""
    requirements = _BENCH / room / "requirements.txt"

    def make(directory: Path) -> None:
        say(f"{room}: installing {', '.join(requirements.read_text().split())}")
        run_program([sys.executable, "-m", "venv", str(directory)])
        pip = [str(directory / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        run_program([*pip, "--disable-pip-version-check", "--requirement", str(requirements)])

    _ensure(_home(room, [requirements]), make)


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

    _ensure(_home(room, sorted((_BENCH / room).rglob("*.*"))), make)


def _home(room: str, sources: Sequence[Path]) -> Path:
    content = b"".join(source.read_bytes() for source in sources if source.is_file())
    label = blake2b(content + sys.version.encode(), digest_size=6).hexdigest()
    return user_cache() / "bench" / f"{Path(room).name}-{label}"


def _ensure(home: Path, make: Callable[[Path], None]) -> None:
    complete = home / "complete"
    if complete.exists():
        return
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    make(home)
    complete.touch()


def run_program(command: Sequence[str]) -> None:
    """Raises :class:`NotAvailable` when it fails."""
    try:
        subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True)
    except subprocess.CalledProcessError as error:  # whose str() does not tell what went wrong
        said = (error.stderr or error.stdout).strip().splitlines()
        raise NotAvailable(f"{Path(command[0]).name} failed: {' / '.join(said[-3:])}") from None
    except (OSError, subprocess.SubprocessError) as error:
        raise NotAvailable(str(error)) from None
