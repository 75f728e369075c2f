"""The API does what its description says, whatever is sent: all checks of Schemathesis."""

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.clients.system import System
from tests.integration.gateways import Gateway, workspace
from tests.integration.stack import ROOT

pytestmark = pytest.mark.integration

OPTIONS: Final = (
    *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful", "--continue-on-failure"),
    *("--max-examples", "10", "--seed", "1"),
)


def test_no_answer_that_is_not_described(system: System, tmp_path: Path) -> None:
    """In a process of its own: what it brings for pytest would see to other tests as well."""
    keys = workspace(system.stack, "described", "described.localhost")
    gateway = Gateway(system.stack.service("gateway", "hasty"))
    gateway.service.program = "tests.clients.hasty_main"
    gateway.start()
    program = [str(ROOT / ".venv" / "bin" / "schemathesis")]
    program += ["--config-file", str(Path(__file__).with_name("schemathesis.toml"))]
    done = subprocess.run(
        [*program, "run", f"{gateway.url}/openapi.json", "--url", gateway.url, *OPTIONS],
        cwd=tmp_path,
        env={**os.environ, "SECRET_KEY": keys.secret, "PUBLISHABLE_KEY": keys.publishable, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Fuzzing" in done.stdout
    assert gateway.service.stop() == 0
