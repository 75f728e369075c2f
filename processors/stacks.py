"""What every thread of this process is doing."""

import faulthandler
import tempfile
from typing import Final

_UNKNOWN: Final = "(the stacks could not be written)"


def stacks() -> str:
    """One stack a thread, innermost call first: files, lines and functions, no values.

    For a process that is about to end because something in it hangs. Raises nothing.
    """
    try:
        with tempfile.TemporaryFile() as file:
            faulthandler.dump_traceback(file, all_threads=True)
            file.seek(0)
            return file.read().decode(errors="replace").rstrip()
    except OSError:
        return _UNKNOWN
