"""What `make run` installs with, and how far it is."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import install
from deploy.install import Progress, heard, uv_settings

PIP = """\
Ignoring colorama: markers 'sys_platform == "win32"' don't match your environment
Collecting a==1 (from -r x.lock (line 1))
  Downloading a-1.whl (15 kB)
Requirement already satisfied: b==2 in here
Collecting c==3 (from -r x.lock (line 3))
"""
UV = """\
Resolved 78 packages in 1.78s
Downloading a (173.1MiB)
Downloading c (33.8MiB)
 Downloaded c
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def saying(text: str, code: int = 0) -> list[str]:
    return [sys.executable, "-c", f"import sys; print({text!r}, end=''); sys.exit({code})"]


def after(text: str) -> Progress:
    progress = Progress(4, Terminal())
    for line in text.splitlines():
        progress.hear(line)
    return progress


def test_what_pip_has_fetched_is_counted() -> None:
    progress = after(PIP)
    assert progress.line().startswith("3 of 3 packages fetched, ")
    progress.hear("Installing collected packages: a, c")
    assert progress.line().startswith("unpacking 3 packages, ")


def test_what_uv_has_fetched_is_counted() -> None:
    progress = after(UV)
    assert progress.line().startswith("1 of 2 large packages fetched, ")
    progress.hear("Prepared 78 packages in 27.29s")
    assert progress.line().startswith("unpacking 78 packages, ")


def test_on_a_terminal_one_line_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.install._TICK_S", 0.001)
    out = Terminal()
    assert heard(saying(PIP), Progress(4, out), os.environ) == (0, "")
    assert out.getvalue().count("\n") == 1
    assert out.getvalue().rpartition("\r\x1b[K")[2].startswith("3 packages, ")


def test_in_a_pipe_each_is_a_line() -> None:
    out = io.StringIO()
    assert heard(saying(PIP), Progress(4, out), os.environ) == (0, "")
    assert out.getvalue().startswith("3 packages, ")
    assert "\r" not in out.getvalue()


def test_of_a_failure_the_reason_is_kept() -> None:
    out = io.StringIO()
    said = "Collecting a==1\nERROR: no such thing\n  as that\n"
    assert heard(saying(said, code=3), Progress(2, out), os.environ) == (
        3,
        "ERROR: no such thing\n  as that\n",
    )
    assert out.getvalue().startswith("1 of 2 packages fetched, ")


def test_uv_looks_where_pip_is_told_to() -> None:
    said = """\
:env:.find-links='/a /b'
:env:.timeout='180'
global.cert='/etc/all.crt'
global.index-url='https://one.example/simple'
global.no-color='true'
global.trusted-host='one.example\\ntwo.example'
install.index-url='https://two.example/simple'
"""
    assert uv_settings(said) == {
        "UV_FIND_LINKS": "/a,/b",
        "UV_HTTP_TIMEOUT": "180",
        "SSL_CERT_FILE": "/etc/all.crt",
        "UV_DEFAULT_INDEX": "https://two.example/simple",
        "UV_INSECURE_HOST": "one.example two.example",
    }


def test_pip_installs_what_uv_cannot(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("deploy.install._PIP", ("true",))
    monkeypatch.setattr("deploy.install._UV", (*saying("error: no way\n", code=2),))
    assert install.install(["-r", "x.lock"], Progress(1, io.StringIO())) == 0
    assert capfd.readouterr().err == "uv could not: error: no way\npip tries, which takes longer\n"


def test_a_failure_of_both_is_told_by_pip(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("deploy.install._PIP", (*saying("ERROR: neither\n", code=1),))
    assert install.install(["-r", "x.lock"], Progress(1, io.StringIO())) == 1
    assert capfd.readouterr().err == "ERROR: neither\n"


def test_it_needs_nothing_but_an_interpreter() -> None:
    """It is what brings the rest."""
    script = Path(__file__).parents[2] / "deploy" / "install.py"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path({str(script)!r})"],
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
