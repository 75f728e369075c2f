"""Little programs to be children, and what has become of them."""

import sys
from pathlib import Path


def python(source: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", source]


FOREVER = python("import time; print('ready', flush=True); time.sleep(600)")
DEAF = python(
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('ready', flush=True); time.sleep(600)"
)


def is_gone(pid: int) -> bool:
    """Whether the process has ended; one that nobody has waited for yet counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
