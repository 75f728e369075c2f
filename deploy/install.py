"""``python deploy/install.py LOCK``: what the lock file names is installed, and one line says how far it is.

uv does it, in seconds where pip takes half a minute: what it has fetched once it links, and it compiles
nothing. pip brings uv, and does it all where uv cannot. Called before anything is there: the standard library
has to do.
"""

import argparse
import ast
import io
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TextIO

_PIP: Final = (sys.executable, "-m", "pip", "--disable-pip-version-check")
_UV: Final = (sys.executable, "-m", "uv")
_UV_LOCK: Final = Path(__file__).parents[1] / "requirements-uv.lock"
_NAMES: Final = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "cert": "SSL_CERT_FILE",
    "trusted-host": "UV_INSECURE_HOST",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
}
"""What uv calls those settings of pip that say where packages are, and how one gets there."""
_LISTS: Final = {"find-links": ",", "extra-index-url": " ", "trusted-host": " "}
_SCOPES: Final = ("global", "install", ":env:")
_WRONG: Final = re.compile(r"\s*(error|ERROR|×)")
_WHY: Final = 200
_TICK_S: Final = 0.5
_PIPE_S: Final = 10.0


def uv_settings(pip_config: str) -> dict[str, str]:
    """The environment in which uv looks where pip does. ``pip_config``: what ``pip config list`` says."""
    said = dict(line.split("=", 1) for line in pip_config.splitlines() if "=" in line)
    settings = {}
    for scope in _SCOPES:  # what is nearer comes later, and counts
        for name, theirs in _NAMES.items():
            if (value := said.get(f"{scope}.{name}")) is not None:
                text = str(ast.literal_eval(value))
                settings[theirs] = _LISTS[name].join(text.split()) if name in _LISTS else text
    return settings


class Progress:
    """Counts what pip or uv says, and shows it: a line that changes on a terminal, else one every 10 s.

    ``total``: how many packages there are to be.
    """

    def __init__(self, total: int, out: TextIO) -> None:
        self._total, self._out = total, out
        self._terminal = out.isatty()
        self._begin = time.monotonic()
        self._fetched = self._large = 0
        self._unpacking = False

    def hear(self, line: str) -> None:
        """A line of either."""
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):  # pip
            self._fetched += 1
        elif line.startswith("Ignoring "):  # pip, of what is for other systems
            self._total -= 1
        elif line.startswith("Downloading "):  # uv, of what is large; pip indents it
            self._large += 1
        elif line.startswith(" Downloaded "):  # uv
            self._fetched += 1
        elif resolved := re.match(r"(?:Resolved|Audited|Checked) (\d+) packages?", line):  # uv
            self._total = int(resolved[1])
        elif line.startswith(("Installing collected packages", "Prepared ")):
            self._unpacking = True

    def line(self) -> str:
        """As it is now."""
        if self._unpacking:
            what = f"unpacking {self._total} packages"
        elif self._large:
            what = f"{self._fetched} of {self._large} large packages fetched"
        else:
            what = f"{self._fetched} of {self._total} packages fetched"
        return f"{what}, {time.monotonic() - self._begin:.0f} s"

    def say(self, text: str) -> None:
        """A line that stays."""
        self._show(text, "\n")

    def until(self, ended: threading.Event) -> None:
        """Show it again and again."""
        while not ended.wait(_TICK_S if self._terminal else _PIPE_S):
            self._show(self.line(), "" if self._terminal else "\n")

    def end(self, code: int) -> None:
        """What is said last; of a failure it is not for us to say why."""
        done = f"{self._total} packages, {time.monotonic() - self._begin:.0f} s"
        self._show(self.line() if code else done, "\n")

    def _show(self, text: str, end: str) -> None:
        self._out.write(("\r\x1b[K" if self._terminal else "") + text + end)
        self._out.flush()


def heard(command: Sequence[str], progress: Progress, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run pip or uv, and show how far it is. Its exit code, and what it said of what went wrong."""
    ended = threading.Event()
    showing = threading.Thread(target=progress.until, args=[ended])
    # Else the lines of pip come in bundles of 8 KiB.
    env = {**environment, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    wrong: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env
    ) as child:
        assert child.stdout is not None  # noqa: S101 - narrows
        showing.start()
        try:
            for line in child.stdout:
                if wrong or _WRONG.match(line):
                    wrong.append(line)
                progress.hear(line)
        finally:
            ended.set()
            showing.join()
    progress.end(child.returncode)
    return child.returncode, "".join(wrong)


def install(what: Sequence[str], progress: Progress, python: str = sys.executable) -> int:
    """Have uv install ``what`` for ``python``, or pip where uv cannot. The exit code of whoever was the last.

    ``what``: arguments that both understand.
    """
    if find_spec("uv") is None:
        progress.say("fetching uv, which installs them")
    if _quietly(*_PIP, "install", "--only-binary=:all:", "--require-hashes", "-r", str(_UV_LOCK)) is not None:
        # What is said to uv itself counts.
        environment = {**uv_settings(_quietly(*_PIP, "config", "list") or ""), **os.environ}
        code, wrong = heard([*_UV, "pip", "install", "--python", python, *what], progress, environment)
        if code == 0:
            return 0
        why = " ".join(wrong.split())[:_WHY] or f"exit code {code}"
        sys.stderr.write(f"uv could not: {why}\npip tries, which takes longer\n")
    command = [*_PIP, "--python", python, "install", "--progress-bar=off", *what]
    code, wrong = heard(command, progress, os.environ)
    sys.stderr.write(wrong)
    return code


def main() -> int:
    """The exit code of uv or pip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lock", help="what to install: names, versions and hashes")
    parser.add_argument("--python", default=sys.executable, help="for another environment than this one")
    parser.add_argument(
        "--editable", metavar="DIR", help="a project to be installed as well, as it lies there"
    )
    asked = parser.parse_args()
    total = len(re.findall(r"^[^\s#]+==", Path(asked.lock).read_text(), re.MULTILINE))
    code = install(["--require-hashes", "-r", asked.lock], Progress(total, sys.stdout), asked.python)
    if code == 0 and asked.editable:
        code = install(["--no-deps", "--editable", asked.editable], Progress(1, io.StringIO()), asked.python)
    return code


def _quietly(*command: str) -> str | None:
    """What a command says on its output; None: it has failed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
