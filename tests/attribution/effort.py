"""How hard the property tests try."""

import os
from typing import Final

from hypothesis import settings

EFFORT: Final = int(os.environ.get("TEST_EFFORT", "1"))
"""Multiplies the number of examples: ``TEST_EFFORT=50 pytest tests/attribution`` searches for minutes."""


def examples(count: int) -> settings:
    """So many, and no deadline: the machine may be busy."""
    return settings(deadline=None, max_examples=count * EFFORT)
