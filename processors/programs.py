"""How a module of ours is run as a program."""

import sys


def isolated(module: str, *arguments: str, python: str = sys.executable) -> list[str]:
    """The command that runs a module of ours as a program.

    What lies in the directory where it is started is not taken for a module. No program of ours is started
    in another way.
    """
    return [python, "-P", "-m", module, *arguments]
