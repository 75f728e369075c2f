"""``leadstream up`` as somebody runs it, line by line; its servers are its own, and no test shares them."""

import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.integration.stack import wait_for

LEADSTREAM: Final = Path(sys.executable).with_name("leadstream")
READY: Final = "leadstream is ready: "


class Up:
    """One run, in a process group of its own. At the end of a ``with`` it is gone, if need be by force."""

    def __init__(self, where: Path, *options: str, env: Mapping[str, str]) -> None:
        """``where``: the directory in which it is started."""
        with tempfile.NamedTemporaryFile(dir=where, prefix="up-", suffix=".log", delete=False) as log:
            self._log = Path(log.name)
            self.process = subprocess.Popen(
                [LEADSTREAM, "up", *options],
                env=env,
                cwd=where,
                # As generous as it can be: whatever is private was made so by us.
                umask=0,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def said(self) -> str:
        return self._log.read_text()

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.said.splitlines()]

    @property
    def ready(self) -> str:
        """The line that says so."""
        (line,) = [line for line in self.lines if line.startswith(READY)]
        return line

    def wait_for(self, text: str, timeout: float = 180) -> None:
        """Until it has said it. Fails when it ends before that."""
        wait_for(lambda: text in self.said or self.process.poll() is not None, timeout, lambda: self.said)
        assert text in self.said, self.said

    def address(self, server: str) -> str:
        """As the ready line has it."""
        match = re.search(rf" {server}=(\S+)", self.ready)
        assert match is not None
        return match[1]

    def interrupt(self) -> int:
        """As Ctrl-C does it; returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


def bare(env: Mapping[str, str]) -> dict[str, str]:
    """Nothing of ours is set in it."""
    return {name: value for name, value in env.items() if not name.startswith("LEADSTREAM_")}


def leadstream(
    where: Path, env: Mapping[str, str], *arguments: str, text: str | None = None
) -> "subprocess.CompletedProcess[str]":
    """Another command, started in ``where``; ``text``: what it reads."""
    return subprocess.run(
        [LEADSTREAM, *arguments],
        env=env,
        cwd=where,
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
