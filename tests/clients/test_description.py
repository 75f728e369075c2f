"""The API does what its description says, whatever is sent: all checks of Schemathesis."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.clients.system import System
from tests.integration.gateways import workspace
from tests.integration.stack import ROOT

pytestmark = pytest.mark.integration


def test_no_answer_that_is_not_described(system: System, tmp_path: Path) -> None:
    """In a process of its own: it is a plugin of pytest as well, which would see to other tests, too."""
    keys = workspace(system.stack, "described", "described.localhost")
    config = Path(__file__).with_name("schemathesis.toml")
    options = [
        "--checks",
        "all",
        "--phases",
        "examples,coverage,fuzzing,stateful",
        "--max-examples",
        "10",
        "--continue-on-failure",
    ]
    done = subprocess.run(
        [
            *(ROOT / ".venv" / "bin" / "schemathesis", "--config-file", config),
            *("run", f"{system.url}/openapi.json", "--url", system.url, "--seed", "1", *options),
        ],
        cwd=tmp_path,
        env={**os.environ, "SECRET_KEY": keys.secret, "PUBLISHABLE_KEY": keys.publishable, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-2000:]}"
    assert "Fuzzing" in done.stdout
