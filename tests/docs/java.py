"""Java of a page, ready to run: by a compiler that needs no JDK, with the jars that the page names."""

import subprocess
from pathlib import Path
from typing import Final

from deploy.local.jars import Jar, _fill, ensure_jars, user_cache, with_jgo
from deploy.local.java import find_java

_COMPILER: Final = Jar(
    "org.eclipse.jdt", "ecj", "3.40.0", "05cc22a24e7982970f63a405fc6c820bc80b806f27f3c5a6236fc475f8f7152b"
)
_JDBC: Final = Jar(
    "org.xerial",
    "sqlite-jdbc",
    "3.50.3.0",
    "a3f53a2aa15ae9425a9e793bbe9c8e5288febeb4b65ef5c1a4e80d4c2045cf08",
)
_JARS: Final = (_COMPILER, _JDBC)


def compiled(source: Path, directory: Path) -> list[str]:
    """The command that runs the class of the file's name. ``directory``: for what is compiled."""
    own, kafka, java = _jars(), ensure_jars(), str(find_java())
    path = f"{directory}:{kafka}/*:{own / _JDBC.file_name}"
    compiler = [java, "-jar", str(own / _COMPILER.file_name), "-17", "-proc:none", "-classpath", _all(kafka)]
    run = subprocess.run(
        [*compiler, "-d", str(directory), str(source)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return [java, "-XX:TieredStopAtLevel=1", "-cp", path, source.stem]


def _all(kafka: Path) -> str:
    return ":".join(str(one) for one in kafka.glob("*.jar"))


def _jars() -> Path:
    """Downloaded once per user."""
    cache = user_cache() / "page-tests"
    lacking = [jar for jar in _JARS if not jar.is_in(cache)]
    reason = _fill(cache, lacking, with_jgo) if lacking else ""
    assert all(jar.is_in(cache) for jar in _JARS), f"no jars to compile and run Java: {reason}"
    return cache
