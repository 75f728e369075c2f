"""How this very command is called from the shell that it was started in."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

_NAME: Final = "leadstream"


def program() -> str:
    """``leadstream`` where the PATH leads to it, or else the way to it, as a line for that shell begins."""
    installed = Path(sys.executable).with_name(_NAME)
    found = shutil.which(_NAME)
    if not installed.exists() or (found and Path(found).samefile(installed)):
        return _NAME
    here = os.path.relpath(installed)
    return shlex.quote(str(installed) if here.startswith(os.pardir) else here)
