"""A stream that is full, broken, closed, or of another encoding is no bug of a command."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from processors.terminal import streams
from processors.terminal.streams import NobodyReads

RUN = [sys.executable, "-c", "import sys; from processors.cli.entry import main; sys.exit(main())"]

# Says so when what is typed while modules are imported is handled.
BEGINNING = """
import signal, sys
from processors.cli.entry import main

def handle(*args):
    signal.signal = before
    before(*args)
    print("begun", flush=True)

before, signal.signal = signal.signal, handle
sys.exit(main())
"""


def run(
    *arguments: str, stdout: int = subprocess.PIPE, **variables: str
) -> "subprocess.CompletedProcess[bytes]":
    env = {**os.environ, **variables}
    return subprocess.run(
        [*RUN, *arguments], stdout=stdout, stderr=subprocess.PIPE, env=env, timeout=120, check=False
    )


@pytest.mark.parametrize(("encoding", "name"), [("ascii", "ü"), ("latin-1", "Ω😀")])
def test_json_means_the_same_in_every_encoding(encoding: str, name: str, tmp_path: Path) -> None:
    done = run("config", "--json", PYTHONIOENCODING=encoding, LEADSTREAM_DATA_DIR=str(tmp_path / f"{name} é"))
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout.decode(encoding))["LEADSTREAM_DATA_DIR"]["value"].endswith(f"{name} é")


@pytest.mark.parametrize("command", ["config", "--help"])
def test_a_full_disk_behind_the_output(command: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run(command, stdout=full.fileno())
    assert done.returncode == 73
    assert done.stderr.startswith(b"error: cannot write to standard output: No space left on device\n")
    assert done.stderr.count(b"\n") == 2


@pytest.mark.parametrize("command", ["config", "--help"])
def test_nobody_reads_the_output(command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = run(command, stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_streams_that_are_closed() -> None:
    """Nothing that is opened later takes their numbers."""
    said = "import os; said = [os.readlink(f'/proc/self/fd/{number}') for number in range(3)]"
    script = f"from processors.cli.main import main; code = main(['version']); {said}; assert said == "
    script += "['/dev/null'] * 3, said; os._exit(code)"
    command = [sys.executable, "-c", script]
    shell = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command]
    assert subprocess.run(shell, timeout=120, check=False).returncode == 0


def test_an_interruption_before_anything_has_begun() -> None:
    """While modules are imported, and whenever later."""
    with subprocess.Popen(
        [sys.executable, "-c", BEGINNING, "send", "--dry-run", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    assert process.returncode in (-signal.SIGINT, 130)
    assert err in (b"", b"interrupted\n")


def test_a_reader_that_has_had_enough_is_told_once() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with streams.StandardOutput(writing, "w") as output:
        with ThreadPoolExecutor(1) as beside:
            assert beside.submit(output.write, b"from beside").result() == 11
        with pytest.raises(NobodyReads) as ended:
            output.write(b"x")
        assert ended.value.exit_code == 141
        assert output.write(b"more") == 4
    reading, writing = os.pipe()
    os.close(reading)
    with streams.StandardError(writing, "w") as errors:
        assert errors.write(b"nobody hears it") == 15
