"""The kernel's accounting of other processes."""

import os
import signal
import sys
from pathlib import Path

from bench.measured import Command, Measured
from tests.conftest import eventually

MIB = 1 << 20
BURN = """
import sys, time
held = bytearray(int(sys.argv[1]))
while time.process_time() < float(sys.argv[2]): pass
print("burnt", flush=True)
time.sleep(600)
"""
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"


def burnt(process: Measured) -> bool:
    return "burnt" in process.complaint()


def test_cpu_and_memory_of_a_process(tmp_path: Path) -> None:
    command = Command([sys.executable, "-c", BURN, str(64 * MIB), "0.3"], {}, tmp_path)
    with Measured(command, tmp_path / "log") as process:
        eventually(lambda: burnt(process))
        assert 0.3 <= process.cpu_s() < 0.6
        assert 64 * MIB < process.peak_rss_bytes() < 128 * MIB
        assert process.alive
        process.stop()
        assert not process.alive


def test_children_count_while_they_live_and_afterwards(tmp_path: Path) -> None:
    command = Command([sys.executable, "-c", PARENT, BURN, str(MIB), "0.3"], {}, tmp_path)
    with Measured(command, tmp_path / "log") as process:
        eventually(lambda: burnt(process))
        eventually(lambda: len(process.pids()) == 2)
        before = process.cpu_s()
        assert before >= 0.3
        (child,) = process.pids()[1:]
        os.kill(child, signal.SIGKILL)
        eventually(lambda: not process.alive)
        assert process.cpu_s() >= before
