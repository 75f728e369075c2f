"""What ``leadstream doctor`` reports."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One line of the report. ``remedy`` is for when it is not ``ok``."""

    name: str
    ok: bool
    found: str
    remedy: str = ""
