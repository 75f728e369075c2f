"""What a signal ends cleans up behind itself and says how far it came."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from processors.cli import entry
from processors.cli.main import main
from processors.signals import Signals
from processors.terminal.bars import Bar

ENDS = [
    (signal.SIGINT, 130, "interrupted"),
    (signal.SIGTERM, 143, "ended by SIGTERM"),
    (signal.SIGHUP, 129, "ended by SIGHUP"),
]
# Commands as they are, on servers that are not there: what they keep on the disk is real.
AUDIT = """
import asyncio, sys, time
from collections import Counter
from processors.audit.report import Summary
from processors.audit.spill import Buckets
from processors.cli import auditing
from processors.cli.main import main

class Audit:
    steps = 8

    def __init__(self, settings, policy, client, directory, **_):
        self.summary, self._buckets = Summary(), Buckets(directory / "events", 4)

    async def read(self, started, advance):
        started(1_000)
        self._buckets.add(b"k", b"ann@example.com")
        self._buckets.flush()
        advance(400)
        if "reading" in sys.argv:
            print("begun", flush=True)
            await asyncio.sleep(600)

    def verdicts(self, advance):
        advance(3)
        print("begun", flush=True)
        time.sleep(600)
        yield []

auditing.Audit = Audit
sys.exit(main(["audit", "--no-clickhouse", "--work-dir", sys.argv[1]]))
"""
REPLAY = """
import sys, time
from processors.cli.main import main
from processors.stack import replaying

def compute(settings, since, workers, directory, progress):
    (directory / "worker-1").mkdir()
    (directory / "worker-1" / "state").write_text("ann@example.com")
    print("begun", flush=True)
    time.sleep(600)

replaying.compute = compute
sys.exit(main(["replay", *sys.argv[2:], "--work-dir", sys.argv[1]]))
"""
SEND = [sys.executable, "-m", "processors.cli.main", "send", "--dry-run", "-"]


def ended(number: signal.Signals, program: str, *arguments: str) -> tuple[int, list[str]]:
    """Exit code and last lines of a program that is sent a signal once it has begun."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n", process.communicate()
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        return process.returncode, [line for line in err.split("\n") if line]


@pytest.mark.parametrize(("number", "code", "said"), ENDS)
@pytest.mark.parametrize(
    ("phase", "progress"),
    [
        ("reading", ["reading: ended after 400 of 1,000 records"]),
        ("comparing", ["0 differences until then", "comparing: ended after 3 of 8 parts"]),
    ],
)
def test_audit(
    tmp_path: Path, number: signal.Signals, code: int, said: str, phase: str, progress: list[str]
) -> None:
    assert ended(number, AUDIT, str(tmp_path), phase) == (code, [*progress, said])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code", "said"), ENDS)
@pytest.mark.parametrize("what", [("state", "--application-id"), ("rewards", "--rewards-id")])
def test_replay(tmp_path: Path, number: signal.Signals, code: int, said: str, what: tuple[str, str]) -> None:
    assert ended(number, REPLAY, str(tmp_path), *what, "again") == (code, [said])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code", "said"), ENDS)
def test_send(number: signal.Signals, code: int, said: str) -> None:
    with subprocess.Popen(
        SEND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b'{"type":"click","workspaceId":"acme","clickId":"c1"}\n{\n')
        process.stdin.flush()
        # That the second line is none is said as soon as it is known.
        assert process.stderr.readline().startswith(b"line 2: ")
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert out.startswith(b"1 valid, 1 refused in ")
    assert err.decode().split("\n")[-2] == said


IMPORTING = """
import os, signal, sys

class Interrupted:
    def find_spec(self, name, *_):
        if name == "processors.cli.main":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupted())
from processors.cli.entry import main
main()
"""


def test_what_is_interrupted_while_it_is_loaded_says_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTING], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


def test_what_is_loaded_is_interrupted_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def run() -> int:
        seen.append(signal.getsignal(signal.SIGINT))
        return 7

    monkeypatch.setattr("processors.cli.main.main", run)
    try:
        assert entry.main() == 7
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [before]


def test_what_is_ignored_stays_ignored_and_what_is_handled_stays_with_its_owner() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN), signal.getsignal(signal.SIGTERM)

    def owner(*_: object) -> None:
        pass

    signal.signal(signal.SIGTERM, owner)
    try:
        with Signals():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGTERM) is owner
    finally:
        signal.signal(signal.SIGHUP, before[0])
        signal.signal(signal.SIGTERM, before[1])


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert main(["version"]) == 0
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_bar_says_how_far_it_was_when_it_was_ended(
    error: type[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        with Bar("storing", None, "records") as bar:
            bar.advance(1_000)
            bar.advance(234)
            raise error

    with pytest.raises(error):
        work()
    ended = error is KeyboardInterrupt
    assert capsys.readouterr().err == ("storing: ended after 1,234 records\n" if ended else "")
