"""``python tether.py PARENT COMMAND…``: become COMMAND, and die with the process PARENT however it ends.

Run as a file in a fresh interpreter, because the kernel must be asked between fork and exec, where Python
is not safe in a process that has threads. Elsewhere than on Linux COMMAND runs without the tie.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tie_to_parent(parent: int) -> None:
    """Have the kernel kill this process, whatever it execs, when the thread that started it ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    # The parent may have died before the kernel was asked.
    if os.getppid() != parent:
        sys.exit("the parent is gone")


if __name__ == "__main__":
    if sys.platform == "linux":
        tie_to_parent(int(sys.argv[1]))
    try:
        os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606
    except OSError as error:
        sys.exit(f"cannot run {sys.argv[2]}: {error.strerror}")
