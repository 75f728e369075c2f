"""Which Chromium the tests of pages use."""

import os
import shutil
from typing import Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REMEDY: Final = (
    "no Chromium on PATH: apt-get install chromium (make test does that as root on Debian),"
    " or set CHROMIUM to the program of any Chromium or Chrome"
)
# Every host is this machine: nothing that a page names is asked for elsewhere.
ARGUMENTS: Final = ("--host-resolver-rules=MAP * 127.0.0.1",)


class NoBrowser(Exception):
    """There is none, and the tests that need one fail."""


def find_chromium() -> str:
    """The path of the program. Raises ``NoBrowser``, which says what to install."""
    named = os.environ.get("CHROMIUM")
    for name in (named,) if named else NAMES:
        if path := shutil.which(name):
            return path
    raise NoBrowser(f"CHROMIUM names no program: {named}" if named else REMEDY)


def ordinary_user_agent(version: str) -> str:
    """What a Chrome with a window calls itself; a headless one tells servers that it is a robot."""
    major = version.partition(".")[0]
    return (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
        f" Chrome/{major}.0.0.0 Safari/537.36"
    )
