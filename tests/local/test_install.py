"""How far an installation is, as `make run` shows it."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.install import Progress, install

SAID = """\
Ignoring colorama: markers 'sys_platform == "win32"' don't match your environment
Collecting a==1 (from -r x.lock (line 1))
  Downloading a-1.whl (15 kB)
Requirement already satisfied: b==2 in here
Collecting c==3 (from -r x.lock (line 3))
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def pip(text: str, code: int = 0) -> list[str]:
    return [sys.executable, "-c", f"import sys; print({text!r}, end=''); sys.exit({code})"]


def test_what_is_fetched_and_what_is_unpacked_are_counted(tmp_path: Path) -> None:
    (tmp_path / "b-2.dist-info").mkdir()
    progress = Progress(4, tmp_path, Terminal())
    for line in SAID.splitlines():
        progress.hear(line)
    assert progress.line().startswith("3 of 3 packages fetched, ")
    progress.hear("Installing collected packages: a, c")
    (tmp_path / "a-1.dist-info").mkdir()
    assert progress.line().startswith("1 of 2 packages unpacked, ")


def test_on_a_terminal_one_line_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.install._TICK_S", 0.001)
    out = Terminal()
    assert install(pip(SAID), Progress(4, tmp_path, out)) == 0
    assert out.getvalue().count("\n") == 1
    assert out.getvalue().rpartition("\r\x1b[K")[2].startswith("3 packages, ")


def test_in_a_pipe_each_is_a_line(tmp_path: Path) -> None:
    out = io.StringIO()
    assert install(pip(SAID), Progress(4, tmp_path, out)) == 0
    assert out.getvalue().startswith("3 packages, ")
    assert "\r" not in out.getvalue()


def test_a_failure_is_that_of_pip(tmp_path: Path) -> None:
    out = io.StringIO()
    assert install(pip("Collecting a==1\n", code=3), Progress(2, tmp_path, out)) == 3
    assert out.getvalue().startswith("1 of 2 packages fetched, ")


def test_it_needs_nothing_but_an_interpreter() -> None:
    """It is what brings the rest."""
    script = Path(__file__).parents[2] / "deploy" / "install.py"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path({str(script)!r})"],
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
