"""Kafka itself: the jars of one release, fetched once per user and checked against the lock file."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deploy.local.errors import NoJars, explained
from deploy.local.server import Progress, silent

# Not 4.3.1: after a kill -9 under load its coordinator may skip the marker of a partition that has no leader
# yet; the transaction then hangs, and with it every read_committed reader.
KAFKA_VERSION = "4.2.2"
_LOCK_FILE = Path(__file__).with_name(f"kafka-{KAFKA_VERSION}.lock")
_ROUNDS = 3
_TOLD = 10
"""How far a download is, is said after so many jars: often enough on a terminal, not too often in a log."""


@dataclass(frozen=True)
class Jar:
    """One pinned jar, by its Maven coordinate."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def is_in(self, directory: Path) -> bool:
        """Whether ``directory`` holds this very jar, unharmed."""
        try:
            with (directory / self.file_name).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except OSError:
            return False


class FetchFailed(Exception):
    """One way of fetching did not work; another may."""


# Puts jars into a directory of its own. May leave some out or damaged; raises FetchFailed when it knows.
Fetch = Callable[[Sequence[Jar], Path], None]


def kafka_jars() -> list[Jar]:
    """Every jar of the pinned release and of what it depends on."""
    return [Jar(*re.split("[: ]", line)) for line in _LOCK_FILE.read_text().splitlines()]


def user_cache() -> Path:
    """Where this user keeps what we download or build, and could download or build again."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "leadstream"


def default_cache() -> Path:
    """Where this user's copy of Kafka is kept."""
    return user_cache() / f"kafka-{KAFKA_VERSION}"


def ensure_jars(
    cache: Path | None = None, *, fetches: Sequence[Fetch] | None = None, progress: Progress = silent
) -> Path:
    """The directory that holds every jar, complete and verified, downloading what it lacks.

    Blocks for a download on first use. Any number of processes may call it at once: each jar moves into the
    cache in one step, after its hash was checked. Raises ``NoJars``, or ``DiskFull`` and its like.
    """
    cache = cache or default_cache()
    jgo = partial(with_jgo, progress=progress)
    fetches = fetches or ([with_maven, jgo] if shutil.which("mvn") else [jgo])
    jars = kafka_jars()
    reason = ""
    for round_ in range(_ROUNDS):
        time.sleep(round_)
        for fetch in fetches:
            missing = [jar for jar in jars if not jar.is_in(cache)]
            if not missing:
                return cache
            again = f", trying again: {reason}" if reason else ""
            progress(f"downloading Kafka {KAFKA_VERSION} ({len(missing)} jars){again}…")
            reason = _fill(cache, missing, fetch)
    if all(jar.is_in(cache) for jar in jars):
        return cache
    raise NoJars(KAFKA_VERSION, cache, reason)


def _fill(cache: Path, jars: Sequence[Jar], fetch: Fetch) -> str:
    """Move into the cache what ``fetch`` brings in good order, and answer what went wrong, or nothing."""
    with explained(cache):
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache.parent, prefix="download-") as name:
            incoming = Path(name)
            try:
                fetch(jars, incoming)
                reason = ""
            except FetchFailed as error:
                reason = str(error)
            good = [jar for jar in jars if jar.is_in(incoming)]
            for jar in good:
                (incoming / jar.file_name).replace(cache / jar.file_name)
    return reason or f"{len(jars) - len(good)} of {len(jars)} jars did not arrive with the expected SHA-256"


def with_maven(jars: Sequence[Jar], directory: Path) -> None:
    """Fetch with ``mvn``, which brings the user's mirrors, proxies and credentials along."""
    pom = directory / "pom.xml"
    dependencies = "".join(
        f"<dependency><groupId>{jar.group}</groupId><artifactId>{jar.artifact}</artifactId>"
        f"<version>{jar.version}</version></dependency>"
        for jar in jars
    )
    pom.write_text(
        "<project><modelVersion>4.0.0</modelVersion>"
        "<groupId>leadstream</groupId><artifactId>kafka</artifactId><version>1</version>"
        f"<dependencies>{dependencies}</dependencies></project>"
    )
    goal = ["dependency:copy-dependencies", "-DexcludeTransitive=true", f"-DoutputDirectory={directory}"]
    try:
        run = subprocess.run(
            ["mvn", "-q", "-B", "-f", pom, *goal], capture_output=True, text=True, timeout=600, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise FetchFailed(f"mvn: {error}") from error
    if run.returncode != 0:
        complaint = re.search(r"^\[ERROR\] (.+)", run.stdout, re.MULTILINE)
        raise FetchFailed(f"mvn: {complaint[1] if complaint else run.stderr.strip()[-300:]}")


def with_jgo(jars: Sequence[Jar], directory: Path, *, progress: Progress = silent) -> None:
    """Fetch with PyPI's ``jgo``, which needs neither Java nor Maven, and say how many are here."""
    from jgo.maven import MavenContext

    # A repository of its own: jgo writes in place, and half a file must not stay in the user's ~/.m2.
    maven = MavenContext(repo_cache=directory / "repository", timeout=30)

    def fetch(jar: Jar) -> None:
        component = maven.project(jar.group, jar.artifact).at_version(jar.version)
        component.artifact().resolve().replace(directory / jar.file_name)

    pool = ThreadPoolExecutor(8, thread_name_prefix="jgo")
    try:
        for here, _ in enumerate(pool.map(fetch, jars), 1):
            if here % _TOLD == 0:
                progress(f"downloading Kafka {KAFKA_VERSION}: {here} of {len(jars)} jars are here…")
    except Exception as error:  # jgo raises what its libraries raise, and asserts
        raise FetchFailed(f"jgo: {error}") from error
    finally:
        pool.shutdown(cancel_futures=True)
