"""The SDKs that are out there, each as it comes from its registry, in a process of its own."""

import json
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import pytest

from tests.integration.stack import ROOT

SDKS: Final = Path(__file__).parent / "sdks"
RELEASES: Final = ("python-0.29.0", "node-0.66.2", "python-0.39.0", "node-0.73.5")
"""The first ones that know deferred leads, and the newest."""
_PATIENCE_S: Final = 60.0


class Failed(Exception):
    """How an SDK tells its user that a call failed. ``name``: of what it raised; ``status``: of HTTP, or 0
    when it had no answer."""

    def __init__(self, name: str, status: int, message: str, headers: dict[str, str]) -> None:
        super().__init__(f"{name} ({status}): {message}")
        self.name = name
        self.status = status
        self.message = message
        self.headers = headers


@dataclass
class Sdk:
    """One release of an SDK. Calls are named, and take what they take, as in Node."""

    release: str
    base_url: str = ""
    token: str = ""
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def __enter__(self) -> "Sdk":
        self._process = subprocess.Popen(
            _command(self.release),
            cwd=SDKS / self.release,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        stdin, stdout = self._pipes()
        stdin.close()
        self._process.wait(30)
        stdout.close()

    def __call__(self, call: str, *arguments: Any, **options: Any) -> Any:
        """As :meth:`once`, and again when it is told to come back."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return self.once(call, *arguments, **options)
            except Failed as failed:
                if failed.status != 503 or time.monotonic() > deadline:
                    raise

    def once(
        self, call: str, *arguments: Any, token: str | None = None, headers: dict[str, str] | None = None
    ) -> Any:
        """Raises :class:`Failed`. A list comes whole, whatever its pages."""
        options = {"token": token or self.token, "baseUrl": self.base_url, "headers": headers or {}}
        stdin, stdout = self._pipes()
        stdin.write(json.dumps({"call": call, "arguments": arguments, "options": options}) + "\n")
        stdin.flush()
        answer = json.loads(stdout.readline())
        if "error" in answer:
            told = answer["error"]
            raise Failed(told["class"], told["status"], told["message"], told["headers"])
        return answer["result"]

    def fails(self, call: str, *arguments: Any, **options: Any) -> Failed:
        """How the call ends, which must not succeed."""
        with pytest.raises(Failed) as failed:
            self(call, *arguments, **options)
        return failed.value

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout


def _command(release: str) -> list[str]:
    if release.startswith("python"):
        python = ROOT / ".venv" / release / "bin" / "python"
        assert python.exists(), f"{release} of the SDK is not installed: make .venv/sdks-ready"
        return [str(python), str(SDKS / "driver.py")]
    node = shutil.which("node")
    assert node, "node is missing: apt-get install nodejs npm"
    assert (SDKS / release / "node_modules").exists(), (
        f"{release} of the SDK is not installed: make .venv/npm-ready"
    )
    # By its text: from the directory in which it is run, it then finds what is installed there.
    return [node, "--input-type=module", "--eval", (SDKS / "driver.mjs").read_text()]
