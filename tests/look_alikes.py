"""A directory full of modules that are named like ours and like Python's own, and are neither."""

from pathlib import Path
from typing import Final

_PACKAGES: Final = ("schemas", "processors", "deploy", "bench", "chdb", "faust", "mode", "aiokafka")
_MODULES: Final = (
    "json",
    "asyncio",
    "logging",
    "typing",
    "click",
    "orjson",
    "msgspec",
    "pydantic",
    "confine",
)
_TRAP: Final = """\
from pathlib import Path
(Path({directory!r}) / "executed").open("a").write(__name__ + "\\n")
raise SystemExit("this is not the module that was meant")
"""


def set_traps(directory: Path) -> Path:
    """Fill it; returns the file that names whichever was executed, once one was."""
    trap = _TRAP.format(directory=str(directory))
    for name in _PACKAGES:
        (directory / name).mkdir(parents=True)
        (directory / name / "__init__.py").write_text(trap)
    for name in (*_MODULES, "sitecustomize", "usercustomize"):
        (directory / f"{name}.py").write_text(trap)
    return directory / "executed"
