"""``python deploy/install.py LOCK``: pip installs what the lock file names, and one line says how far it is.

It takes half a minute, and pip says nothing, or a line for each file. Called before anything is there: the
standard library has to do.
"""

import os
import re
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

_PIP: Final = (sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off")
_TICK_S: Final = 0.5
_PIPE_S: Final = 10.0


class Progress:
    """Counts what pip says, and shows it: a line that changes on a terminal, one every ten seconds in a pipe.

    ``total``: how many packages there are to be. ``place``: where they end up.
    """

    def __init__(self, total: int, place: Path, out: TextIO) -> None:
        self._total, self._place, self._out = total, place, out
        self._terminal = out.isatty()
        self._begin = time.monotonic()
        self._fetched = self._there = 0
        self._before: int | None = None

    def hear(self, line: str) -> None:
        """A line of pip."""
        if line.startswith("Collecting "):
            self._fetched += 1
        elif line.startswith("Requirement already satisfied: "):
            self._there += 1
        elif line.startswith("Ignoring "):  # what is for other systems
            self._total -= 1
        elif line.startswith("Installing collected packages"):
            self._before = self._installed()

    def line(self) -> str:
        """As it is now."""
        if self._before is None:
            what = f"{self._fetched + self._there} of {self._total} packages fetched"
        else:
            what = f"{self._installed() - self._before} of {self._fetched} packages unpacked"
        return f"{what}, {time.monotonic() - self._begin:.0f} s"

    def until(self, ended: threading.Event) -> None:
        """Show it again and again."""
        while not ended.wait(_TICK_S if self._terminal else _PIPE_S):
            self._show(self.line(), "" if self._terminal else "\n")

    def end(self, code: int) -> None:
        """What is said last; of a failure pip has said it."""
        done = f"{self._total} packages, {time.monotonic() - self._begin:.0f} s"
        self._show(self.line() if code else done, "\n")

    def _show(self, text: str, end: str) -> None:
        self._out.write(("\r\x1b[K" if self._terminal else "") + text + end)
        self._out.flush()

    def _installed(self) -> int:
        return sum(1 for _ in self._place.glob("*.dist-info"))


def install(command: Sequence[str], progress: Progress) -> int:
    """Run pip, and show how far it is. The exit code of pip, which says itself why it failed."""
    ended = threading.Event()
    showing = threading.Thread(target=progress.until, args=[ended])
    # Else its lines come in bundles of 8 KiB.
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as pip:
        assert pip.stdout is not None  # noqa: S101 - narrows
        showing.start()
        try:
            for line in pip.stdout:
                progress.hear(line)
        finally:
            ended.set()
            showing.join()
    progress.end(pip.returncode)
    return pip.returncode


def main(lock: str) -> int:
    """The exit code of pip."""
    total = len(re.findall(r"^[^\s#]+==", Path(lock).read_text(), re.MULTILINE))
    progress = Progress(total, Path(sysconfig.get_path("purelib")), sys.stdout)
    return install([*_PIP, "--require-hashes", "-r", lock], progress)


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
