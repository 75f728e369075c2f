"""How this installation came to be: what a bug report has to say of it besides versions."""

import sysconfig
from importlib.machinery import EXTENSION_SUFFIXES

from schemas import times


def is_compiled() -> bool:
    """Are there compiled modules? All that may be are, or none (hatch_build.py)."""
    return str(times.__file__).endswith(tuple(EXTENSION_SUFFIXES))


def optimisation() -> str:
    """Was this Python built with profile-guided optimisation? In words; distributions may leave no trace."""
    if "--enable-optimizations" in str(sysconfig.get_config_var("CONFIG_ARGS")):
        return "built with PGO"
    # Debian has it built with PGO in another way, and leaves this empty.
    return "built without PGO" if sysconfig.get_config_var("PGO_PROF_USE_FLAG") else "PGO unknown"
