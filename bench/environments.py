"""What the peers need, outside of our own environment: made on first use, kept in the user's cache.

A Python peer gets a virtual environment for its ``requirements.txt``; Kafka Streams is built with Maven. Each
is kept under a hash of what it was made from, and marked when it is complete: half of one is made anew.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

from deploy.local.errors import NoJava
from deploy.local.java import find_java

Say = Callable[[str], None]
PEERS: Final = Path(__file__).parent / "peers"
_PATIENCE_S: Final = 900


class NotAvailable(Exception):
    """A peer cannot be set up here; ``str()`` says why."""


def python_of(peer: str) -> Path:
    """The interpreter of a peer, whether it is there or not."""
    return _home(peer, [PEERS / peer / "requirements.txt"]) / "bin" / "python"


def classpath_of(peer: str) -> str:
    """The classes of a peer in Java, whether they are there or not."""
    target = _home(peer, sorted((PEERS / peer).rglob("*.*"))) / "target"
    return f"{target}/bench.jar:{target}/jars/*"


def java() -> str:
    """Raises :class:`NotAvailable`."""
    try:
        return str(find_java())
    except NoJava as error:
        raise NotAvailable(str(error)) from None


def ensure_python(peer: str, say: Say) -> None:
    """Raises :class:`NotAvailable`."""
    requirements = PEERS / peer / "requirements.txt"

    def make(directory: Path) -> None:
        say(f"{peer}: installing {', '.join(requirements.read_text().split())}")
        _run([sys.executable, "-m", "venv", str(directory)])
        pip = [str(directory / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        _run([*pip, "--disable-pip-version-check", "--requirement", str(requirements)])

    _ensure(_home(peer, [requirements]), make)


def ensure_maven(peer: str, say: Say) -> None:
    """Raises :class:`NotAvailable`."""
    if shutil.which("mvn") is None:
        raise NotAvailable("needs Maven (mvn) and a JDK ≥ 17, which are not installed")

    def make(directory: Path) -> None:
        say(f"{peer}: building with Maven")
        with tempfile.TemporaryDirectory() as name:
            project = Path(name) / peer
            shutil.copytree(PEERS / peer, project)
            _run(["mvn", "--quiet", "--batch-mode", "--file", str(project / "pom.xml"), "package"])
            shutil.move(project / "target", directory / "target")

    _ensure(_home(peer, sorted((PEERS / peer).rglob("*.*"))), make)


def _home(peer: str, sources: Sequence[Path]) -> Path:
    content = b"".join(source.read_bytes() for source in sources if source.is_file())
    label = blake2b(content + sys.version.encode(), digest_size=6).hexdigest()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "leadstream" / "bench" / f"{peer}-{label}"


def _ensure(home: Path, make: Callable[[Path], None]) -> None:
    complete = home / "complete"
    if complete.exists():
        return
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    make(home)
    complete.touch()


def _run(command: Sequence[str]) -> None:
    try:
        subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines()
        raise NotAvailable(f"{Path(command[0]).name} failed: {' / '.join(said[-3:])}") from None
    except (OSError, subprocess.SubprocessError) as error:
        raise NotAvailable(str(error)) from None
