"""What is served is what is written: the result is in the tree beside its source."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from processors.gateway.dashboard.vendored import HERE as VENDORED
from processors.gateway.script.routes import SCRIPT

HERE = SCRIPT.parent
TOOLS = HERE / "node_modules" / ".bin" / "esbuild"


def test_the_result_is_built_from_the_source(tmp_path: Path) -> None:
    npm = shutil.which("npm")
    assert npm, "node and npm are missing: apt-get install nodejs npm"
    assert TOOLS.exists(), "esbuild is missing: make test installs it, by npm ci in processors/gateway/script"
    for one in ("package.json", "src", "node_modules"):
        (tmp_path / one).symlink_to(HERE / one)
    built = subprocess.run([npm, "run", "build"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    same = (tmp_path / "script.js").read_bytes() == SCRIPT.read_bytes()
    assert same, "processors/gateway/script/src has changed: make script"


@pytest.mark.parametrize(
    "directory", [HERE, Path(__file__).parents[2] / "browser", VENDORED], ids=lambda one: one.name
)
def test_locks_name_contents_and_no_place(directory: Path) -> None:
    """As the lock files of Python: a hash of everything, and no address of an index."""
    packages = json.loads((directory / "package-lock.json").read_text())["packages"]
    assert len(packages) > 1
    for name, package in packages.items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")
